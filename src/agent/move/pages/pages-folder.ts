/** What agent and pager tell each other in the move's folder, besides stages and words. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../folder.ts';
import type { DataToken } from '../ports.ts';

/** Kind of the data plane's streams that carry pages. */
export const PAGES_STREAM = 'pages';

/** Written by the pager while pages come. */
export interface PagesProgress {
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Tells the pager how to reach the source, for the first time or after a cut. */
export async function writeWay(folder: string, way: DataToken): Promise<void> {
  await rm(join(folder, 'at.pages-cut'), { force: true });
  await writeWhole(join(folder, 'pages.way'), JSON.stringify(way));
}

export const readWay = (folder: string): Promise<DataToken | undefined> => readWhole(folder, 'pages.way');

export const writeProgress = (folder: string, progress: PagesProgress): Promise<void> =>
  writeWhole(join(folder, 'pages.progress'), JSON.stringify(progress));

export const readProgress = (folder: string): Promise<PagesProgress | undefined> => readWhole(folder, 'pages.progress');

async function readWhole<T>(folder: string, name: string): Promise<T | undefined> {
  const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
