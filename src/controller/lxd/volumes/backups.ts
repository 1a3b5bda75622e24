/** `/1.0/storage-pools/P/volumes/custom/N/backups`: make, list, show, rename, delete, and fetch the archive. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { BackupRecord } from '../../../domain/backup.ts';
import { fail } from '../../../domain/errors.ts';
import type { VolumeRecord } from '../../../domain/volume.ts';
import { beginBackupVolume, beginDeleteVolumeBackup, beginRenameVolumeBackup } from '../../commands/volumes/backups.ts';
import { type Answer, started, sync } from '../../http/answer.ts';
import { type ApiRequest, readBody } from '../../http/request.ts';
import { backupsOf, getBackup } from '../../instances/backup-store.ts';
import { isLost } from '../../saga/live-agents.ts';
import { compressionOf } from '../../server-config.ts';
import type { Lxd } from '../context.ts';
import { compressionField, flagField, textField } from '../fields.ts';
import { list, projectUrl } from '../lists.ts';
import { sagaOperation } from '../operation.ts';
import { requestorOf } from '../requestor.ts';
import { timeField } from '../snapshots.ts';
import { NO_TIME } from '../status.ts';
import { find } from './volumes.ts';

const wanted = z.object({
  name: textField,
  expires_at: timeField,
  volume_only: flagField,
  optimized_storage: flagField,
  compression_algorithm: compressionField,
});

export function listVolumeBackups(lxd: Lxd, request: ApiRequest): Answer {
  const { value } = find(lxd, request);
  const all = backupsOf(lxd.view, value.id).map(each => each.value);
  return list(request, all, ({ name }) => urlOf(value, name), shown);
}

export async function makeVolumeBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = find(lxd, request);
  const sent = await readBody(request, wanted);
  if (sent.optimized_storage)
    fail('unsupported', 'Invalid "optimized_storage": only the portable format is made; leave it out');
  const order = {
    backup: sent.name,
    expiresAt: sent.expires_at ?? '',
    volumeOnly: sent.volume_only,
    compression: compressionOf(lxd.view, value.project, 'backups', sent.compression_algorithm),
  };
  return started(sagaOperation(await beginBackupVolume(lxd, value, order, requestorOf(request))));
}

export function oneVolumeBackup(lxd: Lxd, request: ApiRequest): Answer {
  return sync(shown(findBackup(lxd, request).backup));
}

export async function renameVolumeBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { volume, backup } = findBackup(lxd, request);
  const { name: newName } = await readBody(request, z.object({ name: textField }));
  if (newName === '') fail('invalid', 'Invalid "name": the new name is missing');
  const order = { backup: backup.name, newName };
  return started(sagaOperation(await beginRenameVolumeBackup(lxd, volume, order, requestorOf(request))));
}

export async function removeVolumeBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { volume, backup } = findBackup(lxd, request);
  return started(sagaOperation(await beginDeleteVolumeBackup(lxd, volume, backup.name, requestorOf(request))));
}

export function exportVolumeBackup(lxd: Lxd, request: ApiRequest): Answer {
  const { node, id } = findBackup(lxd, request).backup;
  if (isLost(lxd.view, node)) fail('unavailable', `The backup is on node ${node}, which is offline; try again later`);
  const body = Readable.from(lxd.bulk.backup(node, lxd.agents.of(node), id));
  return { kind: 'raw', contentType: 'application/octet-stream', body };
}

const shown = ({ name, createdAt, expiresAt, instanceOnly }: BackupRecord) => ({
  name,
  created_at: createdAt,
  expires_at: expiresAt || NO_TIME,
  volume_only: instanceOnly,
  optimized_storage: false,
});

const urlOf = ({ project, pool, name }: VolumeRecord, backup: string): string =>
  projectUrl(project, 'storage-pools', pool, 'volumes', 'custom', name, 'backups', backup);

function findBackup(lxd: Lxd, request: ApiRequest) {
  const { value: volume } = find(lxd, request);
  return { volume, backup: getBackup(lxd.view, volume.id, request.params.backup!).value };
}
