/** A custom volume from an uploaded backup, with its snapshots, on the host that has the upload. */
import { drain } from '../../instances/progress.ts';
import { saga } from '../../saga/saga.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { VOLUMES } from '../../spaces.ts';
import { volumeOrder, volumeRef } from '../../volumes/use.ts';
import type { BackupOrder } from '../create-instance.ts';
import { copying } from './copy-volume.ts';
import type { VolumeKey } from './volume-beginning.ts';

export type ImportVolumeInput = VolumeKey & { readonly backup: BackupOrder };

interface Given {
  readonly input: ImportVolumeInput;
}

export const importVolume = saga<ImportVolumeInput>('import-volume', 1)
  .undoable('claim', async () => {}, copying.forget)
  .undoable('upload', async () => {}, discard)
  .undoable('make', make, unmake)
  .pivot('publish', copying.publish)
  .forward('discard', discard)
  .end();

async function make(context: StepContext, { input }: Given): Promise<void> {
  const { project, pool, name, backup } = input;
  const volume = context.view.get(VOLUMES.key(project, pool, name))!.value;
  const order = { ...volumeOrder(volume), backup };
  await drain(context, 'fs_progress', context.agents.of(backup.node).ensureVolume(order));
}

async function unmake(context: StepContext, { input }: Given): Promise<void> {
  await context.agents.of(input.backup.node).ensureNoVolume(volumeRef(input));
}

async function discard(context: StepContext, { input }: Given): Promise<void> {
  await context.agents.of(input.backup.node).finishUpload({ upload: input.backup.upload, discard: true });
}
