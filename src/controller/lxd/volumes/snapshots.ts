/** `/1.0/storage-pools/P/volumes/custom/N/snapshots`. Restoring is a PUT of the volume. */
import { z } from 'zod';
import { fail } from '../../../domain/errors.ts';
import {
  beginCreateVolumeSnapshot,
  beginDeleteVolumeSnapshot,
  changeVolumeSnapshot,
} from '../../commands/volumes/snapshots.ts';
import { type Answer, created, DONE, started, sync } from '../../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../../http/request.ts';
import { getVolumeSnapshot, volumeSnapshots } from '../../volumes/store.ts';
import type { Lxd } from '../context.ts';
import { flagField, textField } from '../fields.ts';
import { list, projectUrl } from '../lists.ts';
import { sagaOperation } from '../operation.ts';
import { requestorOf } from '../requestor.ts';
import { timeField } from '../snapshots.ts';
import { shownSnapshot, writableSnapshot } from './shown.ts';
import { find } from './volumes.ts';

export function listVolumeSnapshots(lxd: Lxd, request: ApiRequest): Answer {
  const { value } = find(lxd, request);
  const all = volumeSnapshots(lxd.view, value.id).map(each => each.value);
  return list(request, all, ({ name }) => urlOf(value, name), shownSnapshot);
}

export async function makeVolumeSnapshot(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = find(lxd, request);
  const sent = await readBody(request, z.object({ name: textField, expires_at: timeField, description: textField }));
  const { name: snapshot, expires_at: expiresAt, description } = sent;
  const begun = await beginCreateVolumeSnapshot(
    lxd,
    { ...value, snapshot, expiresAt, description },
    requestorOf(request),
  );
  return started(sagaOperation(begun));
}

export function oneVolumeSnapshot(lxd: Lxd, request: ApiRequest): Answer {
  const { value } = findSnapshot(lxd, request).snapshot;
  return sync(shownSnapshot(value), writableSnapshot(value));
}

/** PUT and PATCH: its description, and when it ends. */
export async function editVolumeSnapshot(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { volume, snapshot } = findSnapshot(lxd, request);
  matchEtag(request, writableSnapshot(snapshot.value));
  const sent = await readBody(request, z.object({ description: z.string().nullish(), expires_at: timeField }));
  const kept = request.method === 'PATCH' ? snapshot.value : { expiresAt: '', description: '' };
  await changeVolumeSnapshot(
    lxd,
    { ...volume, snapshot: snapshot.value.name },
    { expiresAt: sent.expires_at ?? kept.expiresAt, description: sent.description ?? kept.description },
  );
  return DONE;
}

export async function renameVolumeSnapshot(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { volume, snapshot } = findSnapshot(lxd, request);
  const sent = await readBody(request, z.object({ name: textField, migration: flagField }));
  if (sent.migration)
    fail('unsupported', 'Copying a snapshot to another server is not supported by this version of Berth');
  if (sent.name === '') fail('invalid', 'Invalid "name": the new name is missing');
  await changeVolumeSnapshot(lxd, { ...volume, snapshot: snapshot.value.name }, { name: sent.name });
  return created(urlOf(volume, sent.name));
}

export async function removeVolumeSnapshot(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { volume, snapshot } = findSnapshot(lxd, request);
  const which = { ...volume, snapshot: snapshot.value.name };
  return started(sagaOperation(await beginDeleteVolumeSnapshot(lxd, which, requestorOf(request))));
}

function findSnapshot(lxd: Lxd, request: ApiRequest) {
  const volume = find(lxd, request).value;
  return { volume, snapshot: getVolumeSnapshot(lxd.view, volume.id, request.params.snapshot!) };
}

const urlOf = ({ project, pool, name }: { project: string; pool: string; name: string }, snapshot: string): string =>
  projectUrl(project, 'storage-pools', pool, 'volumes', 'custom', name, 'snapshots', snapshot);
