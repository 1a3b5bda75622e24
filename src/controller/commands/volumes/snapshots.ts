/** "Remember the volume as it is now", "put it back", "call that otherwise", "forget it". */
import { randomUUID } from 'node:crypto';
import { AppError, fail } from '../../../domain/errors.ts';
import { checkName } from '../../../domain/names.ts';
import { expiryOf } from '../../../domain/snapshot-expiry.ts';
import { nextSnapshotName } from '../../../domain/snapshot-name.ts';
import type { VolumeSnapshotRecord } from '../../../domain/volume.ts';
import { together } from '../../../store/keyspace.ts';
import { commit } from '../../commit.ts';
import type { SagaRecord } from '../../saga/saga-record.ts';
import { createVolumeSnapshot, deleteVolumeSnapshot, restoreVolume } from '../../sagas/volumes/snapshots.ts';
import { volumeBeginning, volumeKey } from '../../sagas/volumes/volume-beginning.ts';
import { VOLUME_SNAPSHOTS } from '../../spaces.ts';
import { getVolume, getVolumeSnapshot, type VolumeName } from '../../volumes/store.ts';
import type { Commander, Requestor } from '../commander.ts';

export interface VolumeSnapshotName extends VolumeName {
  readonly snapshot: string;
}

/** @param wanted `snapshot` '' = as `snapshots.pattern` says; `expiresAt` undefined = as `snapshots.expiry` says */
export async function beginCreateVolumeSnapshot(
  { engine, view, clock }: Commander,
  wanted: VolumeSnapshotName & {
    readonly expiresAt: string | undefined;
    readonly description: string;
    /** ms since the epoch. */
    readonly scheduledFor?: number;
  },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, wanted);
  if (value.node === '')
    fail('invalid', `Storage volume "${value.name}" holds nothing yet: it is made when an instance uses it first`);
  const now = clock.now();
  const taken = view.list(VOLUME_SNAPSHOTS, value.id).map(each => each.value.name);
  const name = checkName(
    'snapshot',
    wanted.snapshot || nextSnapshotName(value.config['snapshots.pattern'], taken, now),
  );
  const record: VolumeSnapshotRecord = {
    id: randomUUID(),
    volume: value.id,
    name,
    phase: 'creating',
    description: wanted.description,
    config: value.config,
    createdAt: isoTime(now),
    expiresAt: wanted.expiresAt ?? isoTime(expiryOf(value.config['snapshots.expiry'], now)),
    ...(wanted.scheduledFor === undefined ? {} : { scheduledFor: isoTime(wanted.scheduledFor) }),
  };
  const { guards, writes } = VOLUME_SNAPSHOTS.create(VOLUME_SNAPSHOTS.key(value.id, name), record);
  return engine.start(
    createVolumeSnapshot,
    { ...volumeKey(value), snapshot: record.id },
    {
      ...volumeBeginning('Creating storage volume snapshot', value, requestor),
      guards,
      writes,
      refusal: () => nameTaken(name),
    },
  );
}

export async function beginDeleteVolumeSnapshot(
  { engine, view }: Commander,
  which: VolumeSnapshotName,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, which);
  const { id } = getVolumeSnapshot(view, value.id, which.snapshot).value;
  const beginning = volumeBeginning('Deleting storage volume snapshot', value, requestor);
  return engine.start(deleteVolumeSnapshot, { ...volumeKey(value), snapshot: id }, beginning);
}

/** @throws AppError `not-found`, `busy` also while a running instance uses the volume. */
export async function beginRestoreVolume(
  { engine, view }: Commander,
  which: VolumeSnapshotName,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, which);
  const { id } = getVolumeSnapshot(view, value.id, which.snapshot).value;
  const input = { ...volumeKey(value), snapshot: id, replaced: randomUUID() };
  return engine.start(restoreVolume, input, volumeBeginning('Restoring storage volume', value, requestor));
}

/** A new name, another day to end, another description: of the record alone. @throws AppError `not-found`, `exists`. */
export async function changeVolumeSnapshot(
  commander: Commander,
  which: VolumeSnapshotName,
  next: { readonly name?: string; readonly expiresAt?: string; readonly description?: string },
): Promise<void> {
  const { view } = commander;
  const volume = getVolume(view, which).value;
  const stored = getVolumeSnapshot(view, volume.id, which.snapshot);
  const record = { ...stored.value, ...next };
  if (record.name === stored.value.name) return commit(commander, VOLUME_SNAPSHOTS.replace(stored, record));
  const key = VOLUME_SNAPSHOTS.key(volume.id, checkName('snapshot', record.name));
  if (view.get(key) !== undefined) throw nameTaken(record.name);
  await commit(commander, together(VOLUME_SNAPSHOTS.remove(stored), VOLUME_SNAPSHOTS.create(key, record)), () =>
    nameTaken(record.name),
  );
}

const isoTime = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString());

const nameTaken = (name: string) => new AppError('exists', `Snapshot by that name already exists: "${name}"`);
