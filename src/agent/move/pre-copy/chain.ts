/**
 * The rounds of a pre-copy in a move's folder: `before/1`, `before/2`, ... each holds the pages that were written to since
 * the one before it, and the last dump those written to since the last of them. CRIU reads back through the links called
 * `parent`; they are the same on both hosts.
 */
import { chmodSync, chownSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../domain/errors.ts';
import type { Body } from '../../../rpc/data/channel.ts';
import { writeWhole } from '../folder.ts';
import { type ImageList, writeImages } from '../images.ts';
import { PASS_THROUGH } from '../moves-folder.ts';

const ROUNDS = 'before';
/** A round that CRIU is at work on. */
const NEW = 'new';
/** Holds the number of the last round that is on the target. */
const SENT = 'sent';

export interface Chain {
  /** Number of the last round that CRIU finished; 0 = none. */
  readonly made: number;
  readonly sent: number;
  /** One was begun and not finished: which pages changed is forgotten, so the chain cannot be gone on with. */
  readonly broken: boolean;
}

export function readChain(folder: string): Chain {
  const names = namesIn(join(folder, ROUNDS));
  const made = Math.max(0, ...names.map(Number).filter(Number.isInteger));
  return {
    made,
    sent: names.includes(SENT) ? Number(readFileSync(join(folder, ROUNDS, SENT))) : 0,
    broken: names.includes(NEW),
  };
}

export const roundFolder = (folder: string, round: number | typeof NEW): string => join(folder, ROUNDS, `${round}`);

export const newRoundFolder = (folder: string): string => roundFolder(folder, NEW);

/** As CRIU is told of a round: from a folder beside it, and from the folder of the last dump. */
export const parentOfRound = (round: number): string => `../${round - 1}`;
export const parentOfDump = (round: number): string => `../${ROUNDS}/${round}`;

export const writeSent = (folder: string, round: number): Promise<void> =>
  writeWhole(join(folder, ROUNDS, SENT), `${round}`);

export const forgetRounds = (folder: string): Promise<void> =>
  rm(join(folder, ROUNDS), { recursive: true, force: true });

/** Target: takes a round, some of which may be here. The first one begins a new chain. @param group as in `writeImages` */
export async function receiveRound(
  folder: string,
  round: number,
  images: ImageList,
  body: Body,
  group: number,
): Promise<void> {
  if (round > 1) expectRound(folder, round - 1, round); // it may come again, from an agent that was started anew
  const path = roundFolder(folder, round);
  await writeImages(path, images, body, group);
  chmodSync(join(folder, ROUNDS), PASS_THROUGH);
  chownSync(path, 0, group); // CRIU opens the folder itself too, as the guest's root
  chmodSync(path, 0o750);
  if (round > 1) symlinkSync(parentOfRound(round), join(path, 'parent'));
  await writeSent(folder, round);
}

/** Target: the last dump's images, which have arrived, go on from that round. */
export function joinRound(folder: string, images: string, round: number): void {
  expectRound(folder, round);
  symlinkSync(parentOfDump(round), join(images, 'parent'));
}

/** @throws AppError `conflict` unless the last round that arrived is one of these */
function expectRound(folder: string, ...rounds: readonly number[]): void {
  const { sent } = readChain(folder);
  if (!rounds.includes(sent)) fail('conflict', `round ${rounds[0]} of the memory is not here, the last one is ${sent}`);
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
