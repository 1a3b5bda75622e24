/**
 * The folder of one move on tmpfs: made here, read by `facts.ts`, used by the scripts in `criu/bin`. What a restarted
 * agent must know to go on or to undo is in `record.json`.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, linkSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '../../domain/errors.ts';
import type { AgentMode } from '../../domain/move-mode.ts';
import { run } from '../command.ts';
import type { Spec } from '../spec.ts';
import type { TransferMethod } from '../storage/transfer.ts';
import { GATES, type Gate, WORDS, type Word } from './facts.ts';
import { type MoveKey, transferId } from './key.ts';
import { PASS_THROUGH } from './moves-folder.ts';
import type { MoveNic, Timings } from './ports.ts';

/** Written before anything is done for the move on this host; fields that are learnt later are added to it. */
export interface MoveRecord {
  readonly key: MoveKey;
  readonly spec: Spec;
  /** `cold`: the instance is stopped and only its volume travels. */
  readonly mode: AgentMode;
  /** How the volume travels, once both ends agreed. */
  readonly method?: TransferMethod;
  /** Source: what a freeze that succeeded returned. */
  readonly sent?: Timings;
}

export const folderOf = (root: string, key: MoveKey): string => join(root, `${transferId(key)}.${key.role}`);

/** Also while what is about to end (the pager, a script) still writes into it. */
export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });

/** CRIU's images. */
export const imagesIn = (folder: string): string => join(folder, 'images');

/** Undefined: there is no such move here. */
export async function readRecord(folder: string): Promise<MoveRecord | undefined> {
  const text = await readFile(join(folder, 'record.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as MoveRecord);
}

/** Makes the folder if need be. On tmpfs there is nothing to sync: after a power cut there is no move either. */
export async function writeRecord(folder: string, record: MoveRecord): Promise<void> {
  await mkdir(folder, { recursive: true, mode: PASS_THROUGH });
  await writeWhole(join(folder, 'record.json'), JSON.stringify(record));
}

/** A file that is there as a whole or not at all. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `new.${randomBytes(4).toString('hex')}`);
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}

/** Tells the scripts that it is a post-copy. */
export const modeFile = (mode: AgentMode): Readonly<Record<string, string>> =>
  mode === 'post-copy' ? { 'post-copy': '' } : {};

/** The files that the scripts read. @param nics whose veths the action script takes out of and into the bridges */
export async function furnish(
  folder: string,
  options: readonly string[],
  nics: readonly MoveNic[],
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  await mkdir(imagesIn(folder), { recursive: true, mode: 0o700 });
  const files = {
    options: lines(options),
    nics: lines(nics.map(({ host, bridge }) => `${host} ${bridge}`)),
    addresses: lines(nics.flatMap(({ name, mac, addresses }) => addresses.map(address => `${name} ${mac} ${address}`))),
    ...more,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  // Written beforehand, to be linked: they must be heard also when images have filled the tmpfs.
  for (const word of WORDS) await writeFile(join(folder, `say.${word}`), `${word}\n`);
  for (const code of [0, 1]) await writeFile(join(folder, `code.${code}`), `${code}\n`);
  for (const gate of GATES) await makePipe(join(folder, `${gate}.gate`));
}

/** As if no restore had been begun yet; what came from the source stays, and so does every word that was given to it. */
export async function forgetRestore(folder: string): Promise<void> {
  const names = await readdir(folder);
  const marks = names.filter(
    name =>
      name.startsWith('at.') ||
      ['exit', 'criu.pid', 'init', 'pages.word', 'pages.way', 'pages.progress'].includes(name),
  );
  // `pid` last: without it nothing was begun, and nothing may say otherwise then.
  for (const name of [...marks, join('images', 'lazy-pages.socket'), 'pid'])
    await rm(join(folder, name), { force: true });
}

/**
 * Gives the word at a gate, now or before anybody waits there. The first word stands for ever. Synchronous as `readFacts` is.
 * @throws AppError `conflict` if another was given before
 */
export function say(folder: string, gate: Gate, word: Word): void {
  const file = join(folder, `${gate}.word`);
  const given = linked(join(folder, `say.${word}`), file) ? word : readFileSync(file, 'utf8').trim();
  if (given !== word) fail('conflict', `the ${gate} of this move were already decided otherwise (${given})`);
  poke(join(folder, `${gate}.gate`));
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Writes down that a stage was reached, also where there is no room for a word. @param text what there is to say about it */
export async function mark(folder: string, stage: string, text = ''): Promise<void> {
  const file = join(folder, `at.${stage}`);
  await writeWhole(file, text).catch(() => writeWhole(file, ''));
}

/** What was said when a stage was reached. */
export const markText = (folder: string, stage: string): Promise<string> =>
  readFile(join(folder, `at.${stage}`), 'utf8').then(
    text => text.trim(),
    () => '',
  );

/** Wakes whoever reads the pipe, a hook that CRIU left behind too; nobody there (ENXIO) will find the word when he comes. */
function poke(pipe: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return;
  }
  writeSync(descriptor, '\n\n');
  closeSync(descriptor);
}

async function makePipe(path: string): Promise<void> {
  await rm(path, { force: true });
  await run('mkfifo', ['-m', '0600', path], { timeoutMs: 5000 });
}

const lines = (words: readonly string[]): string => words.map(word => `${word}\n`).join('');
