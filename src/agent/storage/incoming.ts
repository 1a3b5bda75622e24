/**
 * The receiving end of a transfer, whatever the method: what it has, and how it becomes a volume. Its few facts are on
 * disk, so that publish, finish and abort mean the same after a restart of the agent.
 */
import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import type { Body } from '../../rpc/data/channel.ts';
import { onDisk } from './disk-error.ts';
import { rootIdOf } from './id-map.ts';
import { closeHome, isThere, type Layout, moveInto } from './layout.ts';
import type { TransferOrder, VolumeReceiver } from './transfer.ts';
import type { TreeOps } from './tree-ops.ts';
import { describe } from './volume.ts';

/** What differs between the methods. `folder` belongs to this transfer alone. */
export interface Incoming {
  /**
   * Applies one step of a round; a step with `base` -1 starts from nothing. Returns what did not fit to what is here,
   * because the source changed while it was read: then everything has to be sent again. Undefined: all is well.
   */
  take(step: Step, body: Body): Promise<string | undefined>;
  /** Puts the result of `round` at `place`, where nothing is. */
  place(round: number, place: string): Promise<void>;
  /** Undoes it: further rounds go on from there. */
  takeBack(place: string): Promise<void>;
  /** As `place`, and it stays here as well. */
  copy(round: number, place: string): Promise<void>;
  /** Deletes all trees in the folder. */
  clear(): Promise<void>;
}

const step = z.object({
  step: z.enum(['state', 'remove', 'fill']),
  round: z.int().min(0),
  /** The round that this one builds upon; -1: none. */
  base: z.int().min(-1),
});
type Step = z.infer<typeof step>;

const facts = z.object({
  /** Last round that arrived whole; -1: none. */
  round: z.int(),
  /** Set before the volume appears: from then on the volume, if it is there, is ours to delete. */
  publishing: z.boolean(),
  /** Snapshots that are ours to delete, named before they appear. */
  kept: z.array(z.string()).default([]),
});
type Facts = z.infer<typeof facts>;
const NOTHING: Facts = { round: -1, publishing: false, kept: [] };

export async function openIncoming(
  layout: Layout,
  trees: TreeOps,
  order: TransferOrder,
  open: (folder: string) => Incoming,
): Promise<VolumeReceiver> {
  const folder = layout.transfer(`${order.id}.in`);
  const place = layout.tree(order.volume);
  const incoming = open(folder);
  let now = await readFacts(folder);

  const note = async (change: Partial<Facts>) => {
    now = { ...now, ...change };
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, 'facts.new'), JSON.stringify(now));
    await rename(join(folder, 'facts.new'), join(folder, 'facts.json'));
  };
  const forget = async () => {
    await incoming.clear();
    await rm(folder, { recursive: true, force: true });
    now = NOTHING;
  };

  /** There is more to come after all. */
  async function withdraw(): Promise<void> {
    if (await isThere(place)) await incoming.takeBack(place);
    await note({ publishing: false });
  }

  async function take(question: Step, body: Body): Promise<string | undefined> {
    if (now.publishing) await withdraw();
    if (question.base !== -1 && question.base !== now.round) {
      fail('conflict', `Transfer ${order.id} is at round ${now.round} here, not ${question.base}: start it again`);
    }
    // Until the round is whole, what is here is neither the one state nor the other.
    await note({ round: -1 });
    const misfit = await incoming.take(question, body);
    if (misfit === undefined) await note({ round: question.step === 'fill' ? question.round : question.base });
    return misfit;
  }

  return {
    async answer(message, body) {
      const question = step.parse(message);
      if (question.step === 'state') return { round: now.round };
      const misfit = await onDisk(layout.source, () => take(question, body));
      return { round: now.round, misfit };
    },

    async keep(snapshot) {
      const at = layout.snapshot(order.volume, snapshot);
      if (await isThere(at)) return;
      if (now.round === -1) fail('conflict', `Transfer ${order.id} has nothing whole to keep`);
      await note({ kept: [...now.kept.filter(each => each !== snapshot), snapshot] });
      const scratch = layout.scratch();
      await incoming.copy(now.round, scratch);
      await moveInto(scratch, at);
    },
    kept: () => now.kept,

    async publish() {
      if (!now.publishing) {
        if (await isThere(place)) {
          if (now.round === -1) return; // finished before
          fail('exists', `There is a ${describe(order.volume)} in pool ${layout.source} already`);
        }
        if (now.round === -1) fail('conflict', `Transfer ${order.id} has nothing whole to publish`);
        await note({ publishing: true });
      }
      if (await isThere(place)) return;
      await closeHome(layout, order.volume, rootIdOf(order.idMap));
      await incoming.place(now.round, place);
    },

    async finish() {
      if (now.publishing) {
        await trees.settle(place);
        // From here on the volume is not ours any more: whoever knows nothing of it removes nothing. Deleting works also
        // on a disk that is full, where nothing can be written down.
        await rm(join(folder, 'facts.json'), { force: true });
      }
      await forget();
    },

    async abort() {
      if (now.publishing) {
        await trees.remove(place);
        await rm(layout.home(order.volume), { recursive: true, force: true });
      }
      for (const name of now.kept) await trees.remove(layout.snapshot(order.volume, name));
      await rmdir(layout.snapshots(order.volume)).catch(() => {}); // others are left, or there were none
      await forget();
    },
  };
}

async function readFacts(folder: string): Promise<Facts> {
  const text = await readFile(join(folder, 'facts.json'), 'utf8').catch(() => undefined);
  return text === undefined ? NOTHING : facts.parse(JSON.parse(text));
}
