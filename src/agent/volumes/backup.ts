/** Custom volumes in archives of LXD's format: written of one moment, and read again as a new volume. */
import type { EnsureVolumeBackupRequest } from '../../rpc/gen/berth/agent/v1/volumes_pb.ts';
import { writeBackup } from '../backups/backup-file.ts';
import { backupTar } from '../backups/backup-tar.ts';
import { type BackupOrder, counted, type Layout, namesOf, snapshotRoots, unpackInto } from '../backups/backups.ts';
import type { Host } from '../host.ts';
import type { Report } from '../progress.ts';
import { checkId } from '../spec.ts';
import { customVolume, ownersOf, parseVolumeRef, placeOf, type VolumeRef } from './volume-ref.ts';
import { ensureNoVolumeSnapshot, ensureVolumeSnapshot } from './volumes.ts';

const VOLUME: Layout = { root: 'backup/volume', snapshot: name => `backup/volume-snapshots/${name}` };

/** Repeatable: what is there is not made again. */
export async function ensureVolumeBackup(
  host: Host,
  request: EnsureVolumeBackupRequest,
  report: Report,
): Promise<void> {
  const ref = parseVolumeRef(request.ref);
  const { driver, volume } = placeOf(host, ref);
  const moment = checkId(request.backup);
  const snapshots = namesOf(request.snapshots);
  const tar = async function* () {
    const roots = [
      { folder: VOLUME.root, path: await driver.snapshotPath(volume, moment) },
      ...(await snapshotRoots(driver, volume, snapshots, VOLUME)),
    ];
    const texts = { 'backup/index.yaml': request.index };
    yield* counted(backupTar(texts, roots, ownersOf(host, request.unmapped)), report);
  };
  try {
    await ensureVolumeSnapshot(host, ref, moment);
    await writeBackup(host, moment, request.compression, tar);
  } finally {
    await ensureNoVolumeSnapshot(host, ref, moment);
  }
}

export const unpackVolume = (host: Host, ref: VolumeRef, unmapped: boolean, order: BackupOrder): Promise<void> =>
  unpackInto(placeOf(host, ref).driver, customVolume, ref.id, ownersOf(host, unmapped), order, VOLUME);
