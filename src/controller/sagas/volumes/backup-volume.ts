/** A custom volume in an archive, on its host. What the archive says of it are LXD's words. */
import { stringify } from 'yaml';
import type { Compression } from '../../../domain/backup.ts';
import { fail } from '../../../domain/errors.ts';
import type { VolumeRecord, VolumeSnapshotRecord } from '../../../domain/volume.ts';
import { findBackup } from '../../instances/backup-store.ts';
import { drain } from '../../instances/progress.ts';
import { saga } from '../../saga/saga.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { POOLS } from '../../spaces.ts';
import { getVolume, volumeSnapshots } from '../../volumes/store.ts';
import { ensureThere, volumeOrder } from '../../volumes/use.ts';
import { backingUp } from '../backups.ts';
import type { VolumeKey } from './volume-beginning.ts';

/** @param backup its UUID */
export type BackupVolumeInput = VolumeKey & { readonly backup: string; readonly compression: Compression };

interface Given {
  readonly input: BackupVolumeInput;
}

export const backupVolume = saga<BackupVolumeInput>('backup-volume', 1)
  .undoable('claim', async () => {}, backingUp.forget)
  .undoable('make', make, backingUp.remove)
  .pivot('publish', backingUp.publish)
  .end();

async function make(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  const { value } = getVolume(view, input);
  const { instanceOnly } = findBackup(view, input.id, input.backup)?.value ?? fail('cancelled', 'The backup is gone');
  const along = instanceOnly ? [] : volumeSnapshots(view, value.id).map(each => each.value);
  await ensureThere(context, value);
  const { ref, unmapped } = volumeOrder(value);
  const request = {
    ref,
    unmapped,
    backup: input.backup,
    index: indexOf(value, along, view.get(POOLS.key(value.pool))?.value.driver ?? 'dir'),
    snapshots: along.map(({ name, id }) => ({ name, id })),
    compression: input.compression,
  };
  await drain(context, 'create_backup_progress', context.agents.of(value.node).ensureVolumeBackup(request));
}

const NO_TIME = '0001-01-01T00:00:00Z';

/** Pure: `backup/index.yaml`. Owners in our archives are not shifted. */
export function indexOf(volume: VolumeRecord, snapshots: readonly VolumeSnapshotRecord[], driver: string): string {
  const { name, pool, config, description, createdAt } = volume;
  const common = { content_type: 'filesystem', description };
  const index = {
    name,
    backend: driver,
    pool,
    ...(snapshots.length === 0 ? {} : { snapshots: snapshots.map(each => each.name) }),
    optimized: false,
    optimized_header: false,
    type: 'custom',
    config: {
      volume: { ...common, name, type: 'custom', config, created_at: createdAt, location: 'none', used_by: [] },
      volume_snapshots: snapshots.map(each => ({
        ...{ name: each.name, description: each.description, content_type: 'filesystem', config: each.config },
        ...{ created_at: each.createdAt, expires_at: each.expiresAt || NO_TIME },
      })),
    },
  };
  return stringify(index, { lineWidth: 0, aliasDuplicateObjects: false });
}
