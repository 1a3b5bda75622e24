/** `/1.0/instances/N/backups`: make, list, show, rename, delete, and fetch the archive. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { BackupRecord } from '../../../domain/backup.ts';
import { fail } from '../../../domain/errors.ts';
import { beginCreateBackup, beginDeleteBackup, beginRenameBackup } from '../../commands/backups.ts';
import { type Answer, started, sync } from '../../http/answer.ts';
import { type ApiRequest, readBody, recursion } from '../../http/request.ts';
import { backupsOf, getBackup } from '../../instances/backup-store.ts';
import { isLost } from '../../saga/live-agents.ts';
import { compressionOf } from '../../server-config.ts';
import type { Lxd } from '../context.ts';
import { compressionField, flagField, textField } from '../fields.ts';
import { findInstance } from '../instance.ts';
import { sagaOperation } from '../operation.ts';
import { requestorOf } from '../requestor.ts';
import { timeField } from '../snapshots.ts';
import { NO_TIME } from '../status.ts';

const wanted = z.object({
  name: textField,
  expires_at: timeField,
  instance_only: flagField,
  container_only: flagField,
  optimized_storage: flagField,
  compression_algorithm: compressionField,
});

export function listBackups(lxd: Lxd, request: ApiRequest, collection: string): Answer {
  const { id, name } = findInstance(lxd, request).value;
  const backups = backupsOf(lxd.view, id).map(({ value }) => value);
  if (recursion(request) > 0) return sync(backups.map(shownBackup));
  const path = `/1.0/${collection}/${encodeURIComponent(name)}/backups`;
  return sync(backups.map(each => `${path}/${encodeURIComponent(each.name)}`));
}

export async function createBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { project, name } = findInstance(lxd, request).value;
  const sent = await readBody(request, wanted);
  if (sent.optimized_storage)
    fail('unsupported', 'Invalid "optimized_storage": only the portable format is made; leave it out');
  const order = {
    project,
    name,
    backup: sent.name,
    expiresAt: sent.expires_at ?? '',
    instanceOnly: sent.instance_only || sent.container_only,
    compression: compressionOf(lxd.view, project, 'backups', sent.compression_algorithm),
  };
  return started(sagaOperation(await beginCreateBackup(lxd, order, requestorOf(request))));
}

export function oneBackup(lxd: Lxd, request: ApiRequest): Answer {
  return sync(shownBackup(find(lxd, request).found));
}

export async function renameBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { which } = find(lxd, request);
  const { name: newName } = await readBody(request, z.object({ name: textField }));
  if (newName === '') fail('invalid', 'Invalid "name": the new name is missing');
  return started(sagaOperation(await beginRenameBackup(lxd, { ...which, newName }, requestorOf(request))));
}

export async function removeBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  return started(sagaOperation(await beginDeleteBackup(lxd, find(lxd, request).which, requestorOf(request))));
}

export function exportBackup(lxd: Lxd, request: ApiRequest): Answer {
  const { found } = find(lxd, request);
  const { id, node } = found;
  if (isLost(lxd.view, node)) fail('unavailable', `The backup is on node ${node}, which is offline; try again later`);
  const body = Readable.from(lxd.bulk.backup(node, lxd.agents.of(node), id));
  return { kind: 'raw', contentType: 'application/octet-stream', body };
}

export function shownBackup({ name, createdAt, expiresAt, instanceOnly }: BackupRecord) {
  return {
    name,
    created_at: createdAt,
    expires_at: expiresAt || NO_TIME,
    instance_only: instanceOnly,
    container_only: instanceOnly,
    optimized_storage: false,
  };
}

function find(lxd: Lxd, request: ApiRequest) {
  const { project, name, id } = findInstance(lxd, request).value;
  const found = getBackup(lxd.view, id, request.params.backup!).value;
  return { found, which: { project, name, backup: found.name } };
}
