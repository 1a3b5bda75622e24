/**
 * Rounds of memory while the instance runs: CRIU holds its processes for a moment, takes the pages that were written to
 * since the last time, and lets them go; then these travel. LXC does not know. A round that fails leaves the instance
 * running, and the next one begins from nothing: the kernel has forgotten which pages changed.
 */
import { mkdirSync, readdirSync, truncateSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../domain/errors.ts';
import type { Channel } from '../../../rpc/data/channel.ts';
import { start } from '../../command.ts';
import { endCheckpoint } from '../../criu/end-checkpoint.ts';
import { criuFailure } from '../../criu/failure.ts';
import { checkpointEnvironment } from '../../criu/locate.ts';
import { sendEarlyPages, withHeld } from '../early-pages.ts';
import { bytesOf, listImages, readImages } from '../images.ts';
import { forgetRounds, newRoundFolder, parentOfRound, readChain, roundFolder, writeSent } from './chain.ts';
import { frozenMs } from './frozen-ms.ts';

export interface Subject {
  /** The move's. */
  readonly folder: string;
  /** Path of CRIU. */
  readonly criu: string;
  /** Of the container's init. */
  readonly pid: number;
}

export interface MemoryRound {
  /** Counts from 1, the one that ships everything. */
  readonly round: number;
  readonly bytes: number;
  /** From its beginning until all had arrived. */
  readonly ms: number;
  /** For so long its processes stood still. */
  readonly pauseMs: number;
}

/** Makes a round and sends it. Repeatable: one that was made and not sent goes first. */
export async function nextRound(subject: Subject, channel: Channel, now: () => number): Promise<MemoryRound> {
  const started = now();
  const { folder } = subject;
  const done = await sendWhatIsMade(folder, channel);
  const round = done + 1;
  const bytes = await preDump(subject, round, channel);
  return { round, bytes, ms: now() - started, pauseMs: frozenMs(roundFolder(folder, round)) };
}

/**
 * Before the last dump, or another round: what an agent that died left behind is sent or thrown away.
 * @returns the number of the round to go on from; 0 = there is none
 */
export async function sendWhatIsMade(folder: string, channel: Channel): Promise<number> {
  const { made, sent, broken } = readChain(folder);
  if (broken) {
    await dropRounds(folder);
    return 0;
  }
  if (made > sent) await send(folder, made, channel);
  return made;
}

/** Ends a CRIU that is at work, which lets go of what it holds, and forgets all rounds on this host. */
export async function dropRounds(folder: string): Promise<void> {
  if (readChain(folder).broken) endCheckpoint(folder);
  await forgetRounds(folder);
}

/** @returns how much was sent */
async function preDump({ folder, criu, pid }: Subject, round: number, channel: Channel): Promise<number> {
  if (pid === 0) fail('conflict', 'it does not run');
  const images = newRoundFolder(folder);
  mkdirSync(images, { recursive: true, mode: 0o700 });
  const parent = round === 1 ? [] : ['--prev-images-dir', parentOfRound(round)];
  // In a session of its own: when the agent dies, CRIU shall still let go of the processes in good order.
  const dump = start(criu, ['pre-dump', '-t', `${pid}`, '-D', images, '-o', LOG, '--track-mem', ...parent], {
    env: checkpointEnvironment(criu, folder),
    stdio: 'ignore',
    detached: true,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  let written = false;
  const pagesSent = sendEarlyPages(channel, images, () => written, round);
  pagesSent.catch(() => {}); // met below
  const { code, signal } = await dump.exited.finally(() => {
    written = true;
  });
  if (code !== 0) {
    const log = await readFile(join(images, LOG), 'utf8').catch(() => '');
    await pagesSent.catch(() => {});
    await forgetRounds(folder);
    throw criuFailure('dump', log, signal === null ? '' : `CRIU was ended by ${signal}`);
  }
  const sent = await pagesSent.finally(() => rename(images, roundFolder(folder, round)));
  return send(folder, round, channel, sent);
}

const LOG = 'pre-dump.log';
/** Memory goes to tmpfs at about 1 GB/s. */
const TIMEOUT_MS = 120_000;

/** What has arrived keeps its names here, which CRIU looks up, but not its pages. */
async function send(
  folder: string,
  round: number,
  channel: Channel,
  sent: ReadonlyMap<string, number> = new Map(),
): Promise<number> {
  const path = roundFolder(folder, round);
  const images = withHeld(listImages(path), sent);
  await channel.ask({ ask: 'round', round, images }, readImages(path, images));
  await writeSent(folder, round);
  for (const name of readdirSync(path)) if (/^pages-\d+\.img$/.test(name)) truncateSync(join(path, name));
  return bytesOf(images);
}
