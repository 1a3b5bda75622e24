/**
 * A volume shipped as a tree: each round walks it and ships with tar what changed since it was last shipped. Runs
 * inside the instance's id mapping, so that the stream carries the owners that the instance sees, and a symlink put
 * into a path at the wrong moment leads to nothing that the instance's root may not read.
 */
import { AppError, fail } from '../../domain/errors.ts';
import type { Body, Channel } from '../../rpc/data/channel.ts';
import { run } from '../command.ts';
import { output } from './child-stream.ts';
import { counted } from './counted.ts';
import { type IdMap, within } from './id-map.ts';
import { isThere, type Layout } from './layout.ts';
import { type Shipped, watchTar } from './tar-watch.ts';
import type { RoundReport, TransferOrder, VolumeSender } from './transfer.ts';
import { deltaOf } from './tree-delta.ts';
import { type Tree, walk } from './tree-walk.ts';
import { describe } from './volume.ts';

const CREATE = ['-c', '--format=posix', '--pax-option=delete=atime', '--null', '--no-recursion', '--files-from=-'];
export const KEEP_ALL = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];

/** Time stamps of files step by up to 4 ms (CONFIG_HZ=250); some room for that. */
const TICK_S = 0.02;

/** What the copy holds: everything it says was confirmed by the other end. */
interface Copy {
  readonly round: number;
  readonly tree: Tree;
  /** What was changed from then on may have changed again without a trace. */
  readonly doubtfulFrom: number;
}
const NO_COPY: Copy = { round: -1, tree: new Map(), doubtfulFrom: 0 };

export function openTreeSender(layout: Layout, order: TransferOrder): VolumeSender {
  const root = layout.tree(order.volume);
  let copy = NO_COPY;
  let nextRound = 0;

  async function round(channel: Channel, { final }: { readonly final: boolean }): Promise<RoundReport> {
    const started = performance.now();
    if (!(await isThere(root))) fail('not-found', `There is no ${describe(order.volume)} in pool ${layout.source}`);
    const number = nextRound++;
    const { round: theirs } = (await channel.ask({ step: 'state', round: number, base: -1 })).message as {
      round: number;
    };
    const base = theirs === copy.round ? copy : NO_COPY;
    copy = NO_COPY; // unless this round succeeds, nothing is known of the other end

    const doubtfulFrom = Date.now() / 1000 - TICK_S;
    // A page written through a mapping changes the time stamp once, until it is written back: have that done first.
    if (!final) await run('sync', ['-f', root], { timeoutMs: 3_600_000 });
    const now = await walk(root, order.idMap);
    const { removals, changes } = deltaOf(now, base.tree, base.doubtfulFrom);

    const step = { round: number, base: base.round };
    if (removals.length > 0) await channel.ask({ step: 'remove', ...step }, listOf(removals));
    const seen = new Map<string, Shipped>();
    const count = { bytes: 0 };
    const body =
      changes.length === 0 ? undefined : counted(watchTar(tarOf(root, order.idMap, changes, final), seen), count);
    await channel.ask({ step: 'fill', ...step }, body);

    const torn = changes.some(path => now.get(path)!.type === 'd' && seen.get(path)?.isFolder === false);
    if (torn && final) throw new AppError('conflict', `${describe(order.volume)} changed during its last round`);
    // A folder that became a link under our hands: what was meant for it went elsewhere. Next time ship everything.
    if (!torn) copy = { round: number, tree: asShipped(now, changes, seen), doubtfulFrom };
    return { round: number, bytes: count.bytes, entries: changes.length, ms: performance.now() - started };
  }

  return { round, async close() {} };
}

function tarOf(root: string, idMap: IdMap | undefined, paths: readonly string[], final: boolean): Body {
  const command = within(idMap, ['tar', [...CREATE, ...KEEP_ALL, '--sparse']]);
  const input = Buffer.from(paths.map(path => `${path}\0`).join(''), 'latin1');
  return output(command, {
    cwd: root,
    input,
    accepts: (code, stderr) => code === 0 || (!final && isBenign(code, stderr)),
  });
}

/** Status 1: files changed while they were read. Status 2 is an error, but that a file has gone meanwhile is none. */
export function isBenign(code: number, stderr: string): boolean {
  if (code === 1) return true;
  const gone =
    /: (Cannot stat|Cannot open|Cannot readlink): No such file or directory$|File removed before we read it$/;
  const summary = /^tar: Exiting with failure status due to previous errors$/;
  const changed = /: file changed as we read it$|: socket ignored$|: File shrank by \d+ bytes; padding with zeros$/;
  const lines = stderr.trim().split('\n');
  return code === 2 && lines.every(line => [gone, summary, changed].some(pattern => pattern.test(line)));
}

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
