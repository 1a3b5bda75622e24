/**
 * A custom volume, or one of its snapshots, as a new volume: on the same host by the pool's own means, else over the wire
 * between the two hosts. The new name is claimed by a record of phase `creating` as the saga starts.
 */

import { commitDecided } from '../../decide.ts';
import { drain } from '../../instances/progress.ts';
import { saga } from '../../saga/saga.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { VOLUME_SNAPSHOTS, VOLUMES } from '../../spaces.ts';
import { getVolume } from '../../volumes/store.ts';
import { ensureThere, volumeOrder, volumeRef } from '../../volumes/use.ts';
import { sendOver, takeBack } from './send-over.ts';
import type { VolumeKey } from './volume-beginning.ts';

export type CopyVolumeInput = VolumeKey & {
  /** Where the copy shall be. */
  readonly node: string;
  readonly from: VolumeKey;
  /** Id of the snapshot that is copied as the volume; '' = as it is now. */
  readonly snapshot: string;
  /** Ids of its snapshots that are copied along, oldest first, and what they are in the copy. */
  readonly snapshots: Readonly<Record<string, string>>;
  /** By the pool's own means. */
  readonly local: boolean;
  /** UUID, the same on both hosts. */
  readonly transfer: string;
};

interface Given {
  readonly input: CopyVolumeInput;
}

export const copyVolume = saga<CopyVolumeInput>('copy-volume', 1)
  .undoable('claim', async () => {}, forget)
  .undoable('make', make, unmake)
  .pivot('publish', publish)
  .end();

/** For every saga that begins with the record of a new volume. */
export const copying = { forget, publish };

async function make(context: StepContext, { input }: Given): Promise<void> {
  const { view, agents } = context;
  const source = getVolume(view, input.from).value;
  const copy = view.get(VOLUMES.key(input.project, input.pool, input.name))!.value;
  if (input.local) {
    await ensureThere(context, source);
    const order = {
      ...volumeOrder(copy),
      copy: { id: source.id, snapshot: input.snapshot, snapshots: input.snapshots },
    };
    await drain(context, 'fs_progress', agents.of(input.node).ensureVolume(order));
  } else await sendOver(context, input, source, copy);
}

async function unmake(context: StepContext, { input }: Given): Promise<void> {
  const copy = context.view.get(VOLUMES.key(input.project, input.pool, input.name))?.value;
  if (copy?.id !== input.id) return;
  if (input.local) await context.agents.of(input.node).ensureNoVolume(volumeRef(input));
  else await takeBack(context, input, copy);
}

async function publish(context: StepContext, { input }: { readonly input: VolumeKey }): Promise<void> {
  await commitDecided(context, () => {
    const stored = context.view.get(VOLUMES.key(input.project, input.pool, input.name));
    if (stored?.value.id !== input.id || stored.value.phase !== 'creating') return undefined;
    const snapshots = context.view.list(VOLUME_SNAPSHOTS, input.id);
    return {
      guards: [{ key: stored.key, modRevision: stored.modRevision }],
      writes: [
        VOLUMES.put(stored.key, { ...stored.value, phase: 'ready' }),
        ...snapshots.map(({ key, value }) => VOLUME_SNAPSHOTS.put(key, { ...value, phase: 'ready' })),
      ],
    };
  });
}

async function forget(context: StepContext, { input }: { readonly input: VolumeKey }): Promise<void> {
  await commitDecided(context, () => {
    const stored = context.view.get(VOLUMES.key(input.project, input.pool, input.name));
    if (stored?.value.id !== input.id) return undefined;
    const snapshots = context.view.list(VOLUME_SNAPSHOTS, input.id);
    return {
      guards: [{ key: stored.key, modRevision: stored.modRevision }],
      writes: [VOLUMES.delete(stored.key), ...snapshots.map(({ key }) => VOLUME_SNAPSHOTS.delete(key))],
    };
  });
}
