/**
 * A volume shipped as a tree: each round walks it and ships with tar what changed since it was last shipped. Runs
 * inside the instance's id mapping, so that the stream carries the owners that the instance sees, and a symlink put
 * into a path at the wrong moment leads to nothing that the instance's root may not read.
 */
import { statfs } from 'node:fs/promises';
import { fail } from '../../domain/errors.ts';
import { systemClock } from '../../kit/clock.ts';
import type { Body, Channel } from '../../rpc/data/channel.ts';
import { run } from '../command.ts';
import { output } from './child-stream.ts';
import { saysOnlyChanged } from './complaints.ts';
import { counted } from './counted.ts';
import { type IdMap, within } from './id-map.ts';
import { isThere, type Layout } from './layout.ts';
import { type Shipped, watchTar } from './tar-watch.ts';
import type { RoundOptions, RoundReport, TransferOrder, VolumeSender } from './transfer.ts';
import { deltaOf } from './tree-delta.ts';
import { type Tree, walk } from './tree-walk.ts';
import { describe } from './volume.ts';

const CREATE = ['-c', '--format=posix', '--pax-option=delete=atime', '--null', '--no-recursion', '--files-from=-'];
export const KEEP_ALL = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];

/** Time stamps of files step by up to 4 ms (CONFIG_HZ=250); some room for that. */
const TICK_S = 0.02;

/** Each ships everything; a container that needs more is not idle enough to be moved while it runs. */
const TRIES = 3;

/** From linux/magic.h. */
const TMPFS_MAGIC = 0x01021994;

/** What the copy holds: everything it says was confirmed by the other end. */
interface Copy {
  readonly round: number;
  readonly tree: Tree;
  /** What was changed from then on may have changed again without a trace. */
  readonly doubtfulFrom: number;
}
const NO_COPY: Copy = { round: -1, tree: new Map(), doubtfulFrom: 0 };

/** What the other end says of itself after each step. */
interface TreeAnswer {
  readonly round: number;
  readonly misfit?: string;
}

export function openTreeSender(layout: Layout, order: TransferOrder): VolumeSender {
  let copy = NO_COPY;
  let nextRound = 0;

  /** One try: how many entries it shipped, or why the copy is of no use: folders changed too much meanwhile. */
  async function ship(
    channel: Channel,
    root: string,
    number: number,
    final: boolean,
    count: { bytes: number },
  ): Promise<number | string> {
    const ask = async (message: object, body?: Body) => (await channel.ask(message, body)).message as TreeAnswer;
    const doubtfulFrom = (await isTmpfs(root)) ? Number.NEGATIVE_INFINITY : systemClock.now() / 1000 - TICK_S;
    // A page written through a mapping changes the time stamp once, until it is written back: have that done first.
    // (Tried without: a file that a program had mapped arrived two writes late.)
    if (!final) await run('sync', ['-f', root], { timeoutMs: 3_600_000 });
    const state = ask({ step: 'state', round: number, base: -1 });
    const [theirs, now] = await Promise.all([state, walk(root, order.idMap, !final)]);
    const base = theirs.round === copy.round ? copy : NO_COPY;
    copy = NO_COPY; // unless this succeeds, nothing is known of the other end
    const { removals, changes } = deltaOf(now, base.tree, base.doubtfulFrom);

    const step = { round: number, base: base.round };
    if (removals.length > 0) {
      const { misfit } = await ask({ step: 'remove', ...step }, listOf(removals));
      if (misfit !== undefined) return misfit;
    }
    const seen = new Map<string, Shipped>();
    const body = changes.length === 0 ? undefined : watchTar(tarOf(root, order.idMap, changes, final), seen);
    const { misfit } = await ask({ step: 'fill', ...step }, body && counted(body, count));
    // A folder that became a link under our hands: what was meant for it went elsewhere.
    const astray = changes.find(path => now.get(path)!.type === 'd' && seen.get(path)?.isFolder === false);
    if (misfit !== undefined || astray !== undefined) return misfit ?? `${astray} is no folder any more`;
    copy = { round: number, tree: asShipped(now, changes, seen), doubtfulFrom };
    return changes.length;
  }

  async function round(channel: Channel, options: RoundOptions): Promise<RoundReport> {
    const started = performance.now();
    const { snapshot } = options;
    const root = snapshot === undefined ? layout.tree(order.volume) : layout.snapshot(order.volume, snapshot);
    const final = options.final || snapshot !== undefined; // nobody writes to a snapshot
    if (!(await isThere(root)))
      fail('not-found', `There is no ${describe(order.volume, snapshot)} in pool ${layout.source}`);
    const count = { bytes: 0 };
    for (let tries = final ? 1 : TRIES; ; tries--) {
      const number = nextRound++;
      const shipped = await ship(channel, root, number, final, count);
      if (typeof shipped === 'number') {
        return { round: number, bytes: count.bytes, entries: shipped, ms: performance.now() - started };
      }
      if (tries > 1) continue;
      if (final) fail('conflict', `${describe(order.volume)} changed during its last round: ${shipped}`);
      fail(
        'busy',
        `${describe(order.volume)} moves its folders faster than they can be copied (${shipped}): try later`,
      );
    }
  }

  return { round, async close() {} };
}

function tarOf(root: string, idMap: IdMap | undefined, paths: readonly string[], final: boolean): Body {
  const command = within(idMap, ['tar', [...CREATE, ...KEEP_ALL, '--sparse']]);
  const input = Buffer.from(paths.map(path => `${path}\0`).join(''), 'latin1');
  return output(command, {
    cwd: root,
    input,
    accepts: (code, stderr) => code === 0 || (!final && saysOnlyChanged(stderr)),
  });
}

/** There, writes through mappings leave no trace at all, so every round ships everything. */
const isTmpfs = async (path: string): Promise<boolean> => (await statfs(path)).type === TMPFS_MAGIC;

/** The tree as the copy has it now: as walked, except that tar may have seen a later state of what was shipped. */
export function asShipped(now: Tree, changes: readonly string[], seen: ReadonlyMap<string, Shipped>): Tree {
  const shipped = new Map(now);
  for (const path of changes) {
    const was = now.get(path)!;
    // Not seen: gone before tar came; the copy may have an older one. Ship or delete it next time.
    shipped.set(path, { ...was, changedAt: seen.get(path)?.changedAt ?? '' });
  }
  return shipped;
}

/** One piece after the other, so that the list may be longer than a message. */
async function* listOf(paths: readonly string[]): AsyncGenerator<Buffer> {
  for (let at = 0; at < paths.length; at += 1000) {
    yield Buffer.from(
      paths
        .slice(at, at + 1000)
        .map(path => `${path}\0`)
        .join(''),
      'latin1',
    );
  }
}
