/** Snapshots of custom volumes: take one, put one back, forget one. Its name is claimed as the saga starts. */
import { AppError } from '../../../domain/errors.ts';
import { commitDecided } from '../../decide.ts';
import { saga } from '../../saga/saga.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { VOLUME_SNAPSHOTS } from '../../spaces.ts';
import { findVolume, findVolumeSnapshot, getVolume } from '../../volumes/store.ts';
import { ensureThere, sizeBytesOf, volumeRef } from '../../volumes/use.ts';
import { COPY_TIMEOUT_MS } from '../create-snapshot.ts';
import type { VolumeKey } from './volume-beginning.ts';

export type VolumeSnapshotInput = VolumeKey & {
  /** UUID of the snapshot. */
  readonly snapshot: string;
};

export type RestoreVolumeInput = VolumeSnapshotInput & {
  /** UUID under which its host keeps what the volume held until now, until the end. */
  readonly replaced: string;
};

interface Given {
  readonly input: VolumeSnapshotInput;
}

interface Restoring {
  readonly input: RestoreVolumeInput;
}

export const createVolumeSnapshot = saga<VolumeSnapshotInput>('create-volume-snapshot', 1)
  .undoable('claim', async () => {}, forget)
  .undoable('make', make, destroy)
  .pivot('publish', publish)
  .end();

export const deleteVolumeSnapshot = saga<VolumeSnapshotInput>('delete-volume-snapshot', 1)
  .pivot('mark', mark)
  .forward('destroy', async (context, given) => {
    await destroy(context, given);
    await forget(context, given);
  })
  .end();

/** A restore that fails leaves the volume as it was. */
export const restoreVolume = saga<RestoreVolumeInput>('restore-volume', 1)
  .undoable('restore', restore, takeBack)
  .pivot('decide', async () => {})
  .forward('drop', drop)
  .end();

const refOf = (input: VolumeSnapshotInput) => ({ ref: volumeRef(input), snapshot: input.snapshot });

const agentOf = ({ view, agents }: StepContext, input: VolumeKey) => agents.of(getVolume(view, input).value.node);

async function make(context: StepContext, { input }: Given): Promise<void> {
  await ensureThere(context, getVolume(context.view, input).value);
  await agentOf(context, input).ensureVolumeSnapshot(refOf(input), { timeoutMs: COPY_TIMEOUT_MS });
}

async function destroy(context: StepContext, { input }: Given): Promise<void> {
  const node = findVolume(context.view, input)?.value.node ?? '';
  if (node !== '') await context.agents.of(node).ensureNoVolumeSnapshot(refOf(input));
}

async function publish(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = findVolumeSnapshot(context.view, input.id, input.snapshot);
    if (stored?.value.phase !== 'creating') return undefined;
    return VOLUME_SNAPSHOTS.replace(stored, { ...stored.value, phase: 'ready' });
  });
}

async function mark(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = findVolumeSnapshot(context.view, input.id, input.snapshot);
    if (stored === undefined || stored.value.phase === 'deleting') return undefined;
    return VOLUME_SNAPSHOTS.replace(stored, { ...stored.value, phase: 'deleting' });
  });
}

async function forget(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = findVolumeSnapshot(context.view, input.id, input.snapshot);
    return stored && VOLUME_SNAPSHOTS.remove(stored);
  });
}

async function restore(context: StepContext, { input }: Restoring): Promise<void> {
  await bring(context, input, input.snapshot, input.replaced);
}

/** What was not replaced need not be taken back. */
async function takeBack(context: StepContext, given: Restoring): Promise<void> {
  try {
    await bring(context, given.input, given.input.replaced, '');
  } catch (thrown) {
    if (AppError.from(thrown).code !== 'not-found') throw thrown;
  }
  await drop(context, given);
}

async function bring(context: StepContext, input: VolumeKey, snapshot: string, replaced: string): Promise<void> {
  const ref = { ref: volumeRef(input), snapshot };
  const sizeBytes = sizeBytesOf(getVolume(context.view, input).value.config);
  await agentOf(context, input).restoreVolume({ ref, sizeBytes, replaced }, { timeoutMs: COPY_TIMEOUT_MS });
}

async function drop(context: StepContext, { input }: Restoring): Promise<void> {
  await agentOf(context, input).ensureNoVolumeSnapshot({ ref: volumeRef(input), snapshot: input.replaced });
}
