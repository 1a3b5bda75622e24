/** Reads custom volumes and their snapshots from the view. */
import { fail } from '../../domain/errors.ts';
import type { VolumeRecord, VolumeSnapshotRecord } from '../../domain/volume.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { homeOf } from '../projects/project-store.ts';
import { VOLUME_SNAPSHOTS, VOLUMES } from '../spaces.ts';

/** Names a volume: `project` is where it is, not who asks for it. */
export interface VolumeName {
  readonly project: string;
  readonly pool: string;
  readonly name: string;
}

/** The project whose volumes are those of `project`. */
export const volumeHome = (view: Pick<View, 'get'>, project: string): string =>
  homeOf(view, project, 'storage.volumes');

/** Undefined too while it is being made. */
export function findVolume(
  view: Pick<View, 'get'>,
  { project, pool, name }: VolumeName,
): Stored<VolumeRecord> | undefined {
  const stored = view.get(VOLUMES.key(project, pool, name));
  return stored?.value.phase === 'creating' ? undefined : stored;
}

/** @throws AppError `not-found` in LXD's words. */
export function getVolume(view: Pick<View, 'get'>, which: VolumeName): Stored<VolumeRecord> {
  return findVolume(view, which) ?? fail('not-found', 'Storage volume not found');
}

/** Oldest first; those being made are not there yet. */
export function volumeSnapshots(view: View, volume: string): readonly Stored<VolumeSnapshotRecord>[] {
  const all = view.list(VOLUME_SNAPSHOTS, volume).filter(({ value }) => value.phase !== 'creating');
  return all.toSorted((a, b) => a.value.createdAt.localeCompare(b.value.createdAt));
}

/** @throws AppError `not-found`, also while it is being made. */
export function getVolumeSnapshot(view: View, volume: string, name: string): Stored<VolumeSnapshotRecord> {
  const stored = name === '' ? undefined : view.get(VOLUME_SNAPSHOTS.key(volume, name));
  if (stored === undefined || stored.value.phase === 'creating') fail('not-found', 'Storage volume snapshot not found');
  return stored;
}

/** The very snapshot, whatever it is called by now. */
export function findVolumeSnapshot(view: View, volume: string, id: string): Stored<VolumeSnapshotRecord> | undefined {
  return view.list(VOLUME_SNAPSHOTS, volume).find(({ value }) => value.id === id);
}
