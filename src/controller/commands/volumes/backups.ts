/** "Put the volume in an archive", "forget that one", "make me a volume of this archive". */
import { randomUUID } from 'node:crypto';
import type { BackupRecord, Compression } from '../../../domain/backup.ts';
import { AppError, fail } from '../../../domain/errors.ts';
import { checkName } from '../../../domain/names.ts';
import { mustBeAllowed } from '../../../domain/project-restrictions.ts';
import { nextSnapshotName } from '../../../domain/snapshot-name.ts';
import type { VolumeRecord, VolumeSnapshotRecord } from '../../../domain/volume.ts';
import { together } from '../../../store/keyspace.ts';
import { getBackup } from '../../instances/backup-store.ts';
import { getProject } from '../../projects/project-store.ts';
import { isLost } from '../../saga/live-agents.ts';
import type { SagaRecord } from '../../saga/saga-record.ts';
import { type BackupInput, deleteBackup, renameBackup } from '../../sagas/backups.ts';
import type { BackupOrder } from '../../sagas/create-instance.ts';
import { backupVolume } from '../../sagas/volumes/backup-volume.ts';
import { importVolume } from '../../sagas/volumes/import-volume.ts';
import { volumeBeginning, volumeKey } from '../../sagas/volumes/volume-beginning.ts';
import { BACKUPS, VOLUME_SNAPSHOTS, VOLUMES } from '../../spaces.ts';
import { getVolume, type VolumeName } from '../../volumes/store.ts';
import type { Commander, Requestor } from '../commander.ts';
import { type NewVolume, newVolume, taken } from './volumes.ts';

export interface NewVolumeBackup {
  /** '' = one is made up. */
  readonly backup: string;
  /** ISO 8601; '' = never. */
  readonly expiresAt: string;
  readonly volumeOnly: boolean;
  readonly compression: Compression;
}

/** @throws AppError `not-found`, `exists`, `invalid`, `unavailable`, `busy`. */
export async function beginBackupVolume(
  { engine, view, clock }: Commander,
  which: VolumeName,
  { backup, expiresAt, volumeOnly, compression }: NewVolumeBackup,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, which);
  mustBeAllowed(getProject(view, value.project), 'backups');
  if (value.node === '')
    fail('invalid', `Storage volume "${value.name}" holds nothing yet: it is made when an instance uses it first`);
  if (isLost(view, value.node)) fail('unavailable', `The storage volume is on ${value.node}, which is offline`);
  const known = view.list(BACKUPS, value.id).map(each => each.value.name);
  const name = checkName('backup', backup || nextSnapshotName('backup%d', known, clock.now()));
  const record: BackupRecord = {
    id: randomUUID(),
    instance: value.id,
    name,
    phase: 'creating',
    node: value.node,
    createdAt: new Date(clock.now()).toISOString(),
    expiresAt,
    instanceOnly: volumeOnly,
  };
  const { guards, writes } = BACKUPS.create(BACKUPS.key(value.id, name), record);
  return engine.start(
    backupVolume,
    { ...volumeKey(value), backup: record.id, compression },
    {
      ...beginning('Backing up storage volume', value, name, requestor),
      guards,
      writes,
      refusal: () => new AppError('exists', `Backup "${name}" already exists`),
    },
  );
}

/** @throws AppError `not-found`, `busy`. */
export async function beginDeleteVolumeBackup(
  { engine, view }: Commander,
  which: VolumeName,
  backup: string,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, which);
  return engine.start(
    deleteBackup,
    inputOf(value, getBackup(view, value.id, backup).value),
    beginning('Deleting storage volume backup', value, backup, requestor),
  );
}

/** @throws AppError `not-found`, `exists`, `invalid`, `busy`. */
export async function beginRenameVolumeBackup(
  { engine, view }: Commander,
  which: VolumeName,
  { backup, newName }: { readonly backup: string; readonly newName: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, which);
  const called = checkName('backup', newName);
  return engine.start(
    renameBackup,
    { ...inputOf(value, getBackup(view, value.id, backup).value), newName: called },
    beginning('Renaming storage volume backup', value, called, requestor),
  );
}

export interface VolumeImport {
  readonly wanted: NewVolume;
  readonly order: Omit<BackupOrder, 'snapshots'>;
  readonly snapshots: readonly Pick<
    VolumeSnapshotRecord,
    'name' | 'description' | 'config' | 'createdAt' | 'expiresAt'
  >[];
}

/** It is made where the upload is. @throws AppError `not-found`, `invalid`, `exists`. */
export async function beginImportVolume(
  commander: Commander,
  { wanted, order, snapshots }: VolumeImport,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const record = newVolume(commander, { ...wanted, node: order.node }, 'creating');
  const records = snapshots.map((each): VolumeSnapshotRecord => {
    checkName('snapshot', each.name);
    return { ...each, id: randomUUID(), volume: record.id, phase: 'creating' };
  });
  const backup = { ...order, snapshots: Object.fromEntries(records.map(({ name, id }) => [name, id])) };
  const { guards, writes } = together(
    VOLUMES.create(VOLUMES.key(record.project, record.pool, record.name), record),
    ...records.map(each => VOLUME_SNAPSHOTS.create(VOLUME_SNAPSHOTS.key(record.id, each.name), each)),
  );
  return commander.engine.start(
    importVolume,
    { ...volumeKey(record), backup },
    {
      ...volumeBeginning('Restoring storage volume backup', record, requestor),
      guards,
      writes,
      refusal: () => taken(record.name),
    },
  );
}

const inputOf = (volume: VolumeRecord, { id }: BackupRecord): BackupInput => {
  const { project, name } = volume;
  return { project, name, id: volume.id, backup: id };
};

/** `backups` without the volume, for that is how clients read the backup's name out of it. */
function beginning(description: string, volume: VolumeRecord, backup: string, requestor: Requestor | undefined) {
  const common = volumeBeginning(description, volume, requestor);
  const resources = { ...common.resources, backups: [`/1.0/backups/${encodeURIComponent(backup)}`] };
  return { ...common, resources };
}
