/** `/1.0/instances/N/snapshots`: make, list, show, rename, let end another day, delete. Restoring is a PUT of the instance. */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import {
  beginChangeSnapshot,
  beginCreateSnapshot,
  beginDeleteSnapshot,
  type SnapshotName,
} from '../commands/snapshots.ts';
import { type Answer, started, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody, recursion } from '../http/request.ts';
import { expanded } from '../instances/expanded.ts';
import { getSnapshot, snapshotsOf } from '../instances/snapshot-store.ts';
import type { Lxd } from './context.ts';
import { flagField, textField } from './fields.ts';
import { findInstance } from './instance.ts';
import { sagaOperation } from './operation.ts';
import { requestorOf } from './requestor.ts';
import { NO_TIME } from './status.ts';

/** Null means "as configured"; the zero time, in either of LXD's ways to write it, means never. */
export const timeField = z
  .string()
  .nullish()
  .transform((text, context) => {
    if (text === null || text === undefined) return undefined;
    const at = Date.parse(text);
    if (Number.isNaN(at)) {
      context.addIssue({ code: 'custom', message: 'is not a time (RFC 3339)' });
      return z.NEVER;
    }
    return at <= 0 ? '' : new Date(at).toISOString();
  });

const wanted = z.object({ name: textField, stateful: flagField, expires_at: timeField });

export function listSnapshots(lxd: Lxd, request: ApiRequest, collection: string): Answer {
  const { value } = findInstance(lxd, request);
  const shown = shownSnapshots(lxd.view, value);
  if (recursion(request) > 0) return sync(shown);
  const path = `/1.0/${collection}/${encodeURIComponent(value.name)}/snapshots`;
  return sync(shown.map(({ name }) => `${path}/${encodeURIComponent(name)}`));
}

export async function createSnapshot(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { project, name } = findInstance(lxd, request).value;
  const { stateful, expires_at: expiresAt, name: snapshot } = await readBody(request, wanted);
  const begun = await beginCreateSnapshot(lxd, { project, name, snapshot, stateful, expiresAt }, requestorOf(request));
  return started(sagaOperation(begun));
}

export function oneSnapshot(lxd: Lxd, request: ApiRequest): Answer {
  const { instance, snapshot } = find(lxd, request);
  return sync(shownSnapshot(lxd.view, instance, snapshot.value), writable(snapshot.value));
}

/** PUT and PATCH: the only thing that can be changed is when it ends. */
export async function changeSnapshot(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { which, snapshot } = find(lxd, request);
  matchEtag(request, writable(snapshot.value));
  const { expires_at: sent } = await readBody(request, z.object({ expires_at: timeField }));
  const expiresAt = sent ?? (request.method === 'PATCH' ? snapshot.value.expiresAt : '');
  return started(sagaOperation(await beginChangeSnapshot(lxd, { ...which, expiresAt }, requestorOf(request))));
}

export async function renameSnapshot(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { which } = find(lxd, request);
  const sent = await readBody(request, z.object({ name: textField, migration: flagField }));
  if (sent.migration)
    fail('unsupported', 'Copying a snapshot to another server is not supported by this version of Berth');
  if (sent.name === '') fail('invalid', 'Invalid "name": the new name is missing');
  return started(sagaOperation(await beginChangeSnapshot(lxd, { ...which, newName: sent.name }, requestorOf(request))));
}

export async function removeSnapshot(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { which } = find(lxd, request);
  return started(sagaOperation(await beginDeleteSnapshot(lxd, which, requestorOf(request))));
}

/** Of one instance, as they are listed with it. */
export function shownSnapshots(view: View, instance: InstanceRecord) {
  return snapshotsOf(view, instance.id).map(({ value }) => shownSnapshot(view, instance, value));
}

function find(lxd: Lxd, request: ApiRequest) {
  const instance = findInstance(lxd, request).value;
  const snapshot: Stored<SnapshotRecord> = getSnapshot(lxd.view, instance.id, request.params.snapshot!);
  const which: SnapshotName = { project: instance.project, name: instance.name, snapshot: snapshot.value.name };
  return { instance, snapshot, which };
}

/** What its ETag is made of. */
const writable = ({ expiresAt }: SnapshotRecord) => ({ expires_at: expiresAt || NO_TIME });

function shownSnapshot(view: View, instance: InstanceRecord, record: SnapshotRecord) {
  const { architecture, config, devices, ephemeral, profiles, lastUsedAt } = record.was;
  return {
    name: record.name,
    architecture,
    config,
    created_at: record.createdAt,
    devices,
    ephemeral,
    ...expandedThen(view, instance.project, record),
    ...writable(record),
    last_used_at: lastUsedAt ?? NO_TIME,
    profiles,
    stateful: record.stateful,
    description: record.was.description,
  };
}

/** With profiles as they are now; one that is gone since then adds nothing. */
function expandedThen(view: View, project: string, { was }: SnapshotRecord) {
  try {
    const { config, devices } = expanded(view, { ...was, project });
    return { expanded_config: config, expanded_devices: devices };
  } catch {
    return { expanded_config: was.config, expanded_devices: was.devices };
  }
}
