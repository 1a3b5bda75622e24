/** A snapshot of a volume whose day has come is deleted; and what a lost host kept from being deleted, when it is back. */
import { AppError } from '../../domain/errors.ts';
import type { VolumeRecord, VolumeSnapshotRecord } from '../../domain/volume.ts';
import { isLost } from '../saga/live-agents.ts';
import { lockKey } from '../saga/locks.ts';
import { deleteVolume } from '../sagas/volumes/delete-volume.ts';
import { deleteVolumeSnapshot } from '../sagas/volumes/snapshots.ts';
import { volumeBeginning, volumeKey, volumeLock } from '../sagas/volumes/volume-beginning.ts';
import { VOLUME_SNAPSHOTS, VOLUMES } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export const volumeExpiry: Reconciler = {
  name: 'volume-expiry',
  periodMs: 60_000,
  // Not the locks: see snapshot-expiry.
  hints: [VOLUME_SNAPSHOTS.prefix, VOLUMES.prefix],
  run: async context => {
    const { view, engine, clock } = context;
    const deleted: string[] = [];
    for (const { value: volume } of view.list(VOLUMES)) {
      if (!isFree(context, volume)) continue;
      const due = view.list(VOLUME_SNAPSHOTS, volume.id).find(({ value }) => isDue(value, clock.now()))?.value;
      if (volume.phase === 'deleting') {
        const beginning = volumeBeginning('Deleting storage volume', volume);
        await unlessBusy(engine.start(deleteVolume, volumeKey(volume), beginning));
        deleted.push(volume.name);
      } else if (due !== undefined) {
        // One at a time: the next run takes the next.
        const beginning = volumeBeginning('Deleting storage volume snapshot', volume);
        await unlessBusy(engine.start(deleteVolumeSnapshot, { ...volumeKey(volume), snapshot: due.id }, beginning));
        deleted.push(`${volume.name}/${due.name}`);
      }
    }
    return deleted.length === 0 ? '' : `deletes ${deleted.join(', ')}`;
  },
};

const isFree = ({ view }: ReconcileContext, volume: VolumeRecord): boolean =>
  volume.phase !== 'creating' &&
  view.get(lockKey(volumeLock(volume))) === undefined &&
  (volume.node === '' || !isLost(view, volume.node));

/** Pure. */
function isDue({ phase, expiresAt }: VolumeSnapshotRecord, now: number): boolean {
  return phase === 'deleting' || (phase === 'ready' && expiresAt !== '' && Date.parse(expiresAt) <= now);
}

async function unlessBusy(begun: Promise<unknown>): Promise<void> {
  try {
    await begun;
  } catch (thrown) {
    if (AppError.from(thrown).code !== 'busy') throw thrown;
  }
}
