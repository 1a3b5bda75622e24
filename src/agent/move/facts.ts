/**
 * What is true of a dump or restore, read from the move's folder: nothing about it is kept in the agent's memory, so
 * that an agent that was restarted knows as much as the one that began. The files are written by the scripts in
 * `criu/bin`, and by `say` below.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Gates at which a script waits for the agent's word. */
export const GATES = ['images', 'pages', 'verdict'] as const;
export type Gate = (typeof GATES)[number];
export type Word = 'go' | 'back';

export interface Facts {
  /** lxc-checkpoint was started. */
  readonly begun: boolean;
  /** It is still at work, or CRIU is, which outlives it. */
  readonly alive: boolean;
  /** How it ended, unless somebody killed it and nobody could tell. */
  readonly exit: number | undefined;
  /** Stages reached, gates included, with their times in ms since the epoch (resolution: the kernel's tick, 4 ms). */
  readonly stages: ReadonlyMap<string, number>;
  readonly words: { readonly [G in Gate]: Word | undefined };
}

/** ms from one stage to another; undefined unless both were reached. */
export function between({ stages }: Facts, from: string, to: string): number | undefined {
  const [start, end] = [stages.get(from), stages.get(to)];
  return start === undefined || end === undefined ? undefined : end - start;
}

/** Of a folder that is not there: nothing has begun. */
export async function readFacts(folder: string): Promise<Facts> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const marks = names.filter(name => name.startsWith('at.'));
  const times = await Promise.all(marks.map(name => stat(join(folder, name))));
  const pid = await lineOf(join(folder, 'pid'));
  const atWork = await isOurs(await lineOf(join(folder, 'criu.pid')), folder);
  const alive = atWork || (await isOurs(pid, folder));
  const exit = atWork ? undefined : await exitOf(folder, alive); // after the look: it is written before they end
  return {
    begun: pid !== undefined,
    alive: alive && exit === undefined,
    exit,
    stages: new Map(marks.map((name, index) => [name.slice('at.'.length), times[index]!.mtimeMs])),
    words: {
      images: await wordAt(folder, 'images'),
      pages: await wordAt(folder, 'pages'),
      verdict: await wordAt(folder, 'verdict'),
    },
  };
}

async function wordAt(folder: string, gate: Gate): Promise<Word | undefined> {
  return (await lineOf(join(folder, `${gate}.word`))) as Word | undefined;
}

/** A first line that is complete; a file still being written counts as not there. */
async function lineOf(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const end = text.indexOf('\n');
  return end < 0 ? undefined : text.slice(0, end);
}

/** What CRIU says of a dump counts, for lxc-checkpoint may have been killed; but not before that has ended too. */
async function exitOf(folder: string, alive: boolean): Promise<number | undefined> {
  const whole = await lineOf(join(folder, 'exit'));
  if (whole === undefined && alive) return undefined;
  const text = (await lineOf(join(folder, 'criu.exit'))) ?? whole;
  return text === undefined ? undefined : Number(text);
}

/** Pids are reused: it is ours only if our folder is among its arguments. */
async function isOurs(pid: string | undefined, folder: string): Promise<boolean> {
  return pid !== undefined && (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(folder);
}
