/** "A volume for me", "change it", "call it otherwise", "make another of it", "take it away". */
import { randomUUID } from 'node:crypto';
import { AppError, fail } from '../../../domain/errors.ts';
import type { Config } from '../../../domain/instance.ts';
import { checkName } from '../../../domain/names.ts';
import { checkVolumeConfig, type VolumeRecord, type VolumeSnapshotRecord } from '../../../domain/volume.ts';
import type { Stored } from '../../../store/keyspace.ts';
import { together } from '../../../store/keyspace.ts';
import type { View } from '../../../store/view.ts';
import { commit } from '../../commit.ts';
import { lockKey } from '../../saga/locks.ts';
import type { SagaRecord } from '../../saga/saga-record.ts';
import { changeVolume } from '../../sagas/volumes/change-volume.ts';
import { copyVolume } from '../../sagas/volumes/copy-volume.ts';
import { deleteVolume } from '../../sagas/volumes/delete-volume.ts';
import { moveVolume } from '../../sagas/volumes/move-volume.ts';
import { volumeBeginning, volumeKey, volumeLock } from '../../sagas/volumes/volume-beginning.ts';
import { NODES, POOLS, VOLUME_SNAPSHOTS, VOLUMES } from '../../spaces.ts';
import { getVolume, getVolumeSnapshot, type VolumeName, volumeSnapshots } from '../../volumes/store.ts';
import { mustBeUnused } from '../../volumes/use.ts';
import type { Commander, Requestor } from '../commander.ts';

export interface NewVolume extends VolumeName {
  readonly config: Config;
  readonly description: string;
  /** '' = on the host of the instance that uses it first. */
  readonly node: string;
}

/** Its host makes it when it is used first. @throws AppError `not-found`, `invalid`, `exists`. */
export async function createVolume(commander: Commander, wanted: NewVolume): Promise<void> {
  const record = newVolume(commander, wanted, 'ready');
  await commit(commander, VOLUMES.create(keyOf(record), record), () => taken(record.name));
}

/** @throws AppError `not-found`, `invalid`, `busy`. */
export async function beginChangeVolume(
  { engine, view }: Commander,
  which: VolumeName,
  next: { readonly config: Config; readonly description: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, which);
  checkVolumeConfig(next.config, poolOf(view, which.pool).driver);
  for (const key of ['security.unmapped', 'security.shifted'])
    if ((next.config[key] ?? '') !== (value.config[key] ?? ''))
      fail(
        'invalid',
        `"${key}" cannot be changed: the owners of all files would have to; copy the volume with it instead`,
      );
  return engine.start(
    changeVolume,
    { ...volumeKey(value), ...next },
    volumeBeginning('Updating storage volume', value, requestor),
  );
}

/** @throws AppError `not-found`, `invalid` while it is used, `busy`. */
export async function beginDeleteVolume(
  { engine, view }: Commander,
  which: VolumeName,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, which);
  mustBeUnused(view, value);
  return engine.start(deleteVolume, volumeKey(value), volumeBeginning('Deleting storage volume', value, requestor));
}

/** Hosts know it by its id: only the record moves. @throws AppError `not-found`, `invalid` while it is used, `exists`, `busy`. */
export async function renameVolume(commander: Commander, which: VolumeName, newName: string): Promise<void> {
  const { view } = commander;
  const stored = getVolume(view, which);
  const name = checkName('storage volume', newName);
  if (name === stored.value.name) throw taken(name);
  mustBeUnused(view, stored.value);
  const lock = lockKey(volumeLock(which));
  if (view.get(lock) !== undefined) fail('busy', 'The storage volume is busy');
  const record = { ...stored.value, name };
  const moved = together(VOLUMES.remove(stored), VOLUMES.create(keyOf(record), record));
  const guards = [...moved.guards, { key: lock, exists: false as const }];
  await commit(commander, { ...moved, guards }, failed => (failed.includes(keyOf(record)) ? taken(name) : changed()));
}

export interface VolumeCopy extends NewVolume {
  readonly from: VolumeName;
  /** '' = as it is now. */
  readonly snapshot: string;
  /** Without its snapshots. */
  readonly volumeOnly: boolean;
}

/** @param wanted its config over that of the original @throws AppError `not-found`, `invalid`, `exists`, `busy`. */
export async function beginCopyVolume(
  commander: Commander,
  wanted: VolumeCopy,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { engine, view, clock } = commander;
  const source = getVolume(view, wanted.from).value;
  if (source.node === '')
    fail('invalid', `Storage volume "${source.name}" holds nothing yet: it is made when an instance uses it first`);
  const snapshot = wanted.snapshot === '' ? undefined : getVolumeSnapshot(view, source.id, wanted.snapshot).value;
  const config = { ...(snapshot ?? source).config, ...wanted.config };
  if ((config['security.unmapped'] ?? '') !== (source.config['security.unmapped'] ?? ''))
    fail('unsupported', '"security.unmapped" cannot differ from that of the original in this version of Berth');
  const record = newVolume(commander, { ...wanted, config, node: wanted.node || source.node }, 'creating');
  const along = wanted.volumeOnly || snapshot ? [] : volumeSnapshots(view, source.id).map(({ value }) => value);
  const snapshots = along.map((each): VolumeSnapshotRecord => {
    return { ...each, id: randomUUID(), volume: record.id, phase: 'creating', createdAt: each.createdAt || now(clock) };
  });
  const input = {
    ...volumeKey(record),
    node: record.node,
    from: volumeKey(source),
    snapshot: snapshot?.id ?? '',
    snapshots: Object.fromEntries(along.map((each, i) => [each.id, snapshots[i]!.id])),
    local: record.node === source.node && record.pool === source.pool,
    transfer: randomUUID(),
  };
  const { guards, writes } = together(
    VOLUMES.create(keyOf(record), record),
    ...snapshots.map(each => VOLUME_SNAPSHOTS.create(VOLUME_SNAPSHOTS.key(record.id, each.name), each)),
  );
  const beginning = volumeBeginning('Copying storage volume', record, requestor);
  return engine.start(copyVolume, input, {
    ...beginning,
    locks: [...beginning.locks, volumeLock(source)],
    guards,
    writes,
    refusal: () => taken(record.name),
  });
}

export interface VolumeMove {
  readonly pool: string;
  readonly name: string;
  readonly node: string;
}

/** To another host or pool. @throws AppError `not-found`, `invalid` while it is used or holds nothing yet, `exists`, `busy`. */
export async function beginMoveVolume(
  { engine, view }: Commander,
  which: VolumeName,
  { pool, name, node }: VolumeMove,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getVolume(view, which);
  mustBeUnused(view, value);
  if (value.node === '') fail('invalid', `Storage volume "${value.name}" holds nothing yet: make it where it shall be`);
  if (view.get(NODES.key(node)) === undefined) fail('not-found', `Cluster member not found: ${node}`);
  checkVolumeConfig(value.config, poolOf(view, pool).driver);
  const to = { project: value.project, pool, name: checkName('storage volume', name) };
  const there = view.get(keyOf(to));
  if (there !== undefined && there.value.id !== value.id) throw taken(name);
  const ids = volumeSnapshots(view, value.id).map(each => each.value.id);
  const input = {
    ...volumeKey(value),
    from: value.node,
    to,
    node,
    snapshots: Object.fromEntries(ids.map(id => [id, id])),
    transfer: randomUUID(),
  };
  const beginning = volumeBeginning('Moving storage volume', value, requestor);
  const locks = new Set([...beginning.locks, volumeLock(to)]);
  return engine.start(moveVolume, input, { ...beginning, locks: [...locks] });
}

export function newVolume(
  { view, clock }: Pick<Commander, 'view' | 'clock'>,
  { project, pool, name, config, description, node }: NewVolume,
  phase: VolumeRecord['phase'],
): VolumeRecord {
  const { driver } = poolOf(view, pool);
  checkName('storage volume', name);
  checkVolumeConfig(config, driver);
  if (node !== '' && view.get(NODES.key(node)) === undefined) fail('not-found', `Cluster member not found: ${node}`);
  const record = { id: randomUUID(), project, pool, name, description, config, node, phase, createdAt: now(clock) };
  if (view.get(keyOf(record)) !== undefined) throw taken(name);
  return record;
}

const poolOf = (view: View, pool: string) =>
  view.get(POOLS.key(pool))?.value ?? fail('not-found', `Storage pool not found: ${pool}`);

const keyOf = ({ project, pool, name }: VolumeName): Stored<VolumeRecord>['key'] => VOLUMES.key(project, pool, name);

const now = (clock: Commander['clock']): string => new Date(clock.now()).toISOString();

export const taken = (name: string) => new AppError('exists', `Volume by that name already exists: "${name}"`);

const changed = () => new AppError('busy', 'The storage volume was changed meanwhile: try again');
