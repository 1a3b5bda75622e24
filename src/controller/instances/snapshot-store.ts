/** Reads snapshots from the view. */
import { fail } from '../../domain/errors.ts';
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { SNAPSHOTS } from '../spaces.ts';

/** Of an instance, oldest first; those being made are not there yet. */
export function snapshotsOf(view: View, instance: string): readonly Stored<SnapshotRecord>[] {
  const all = view.list(SNAPSHOTS, instance).filter(({ value }) => value.phase !== 'creating');
  return all.toSorted((a, b) => a.value.createdAt.localeCompare(b.value.createdAt));
}

/** @throws AppError `not-found` in LXD's words, also while it is being made. */
export function getSnapshot(view: View, instance: string, name: string): Stored<SnapshotRecord> {
  const stored = name === '' ? undefined : view.get(SNAPSHOTS.key(instance, name));
  if (stored === undefined || stored.value.phase === 'creating') fail('not-found', 'Instance snapshot not found');
  return stored;
}

/** The very snapshot, whatever it is called by now. */
export function findSnapshot(view: View, instance: string, id: string): Stored<SnapshotRecord> | undefined {
  return view.list(SNAPSHOTS, instance).find(({ value }) => value.id === id);
}
