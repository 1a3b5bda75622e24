/** `/1.0/storage-pools/P/volumes`: make, list, show, edit, rename, copy, delete. */
import { z } from 'zod';
import { AppError, fail } from '../../../domain/errors.ts';
import type { Config } from '../../../domain/instance.ts';
import { beginRestoreVolume } from '../../commands/volumes/snapshots.ts';
import {
  beginChangeVolume,
  beginCopyVolume,
  beginDeleteVolume,
  beginMoveVolume,
  createVolume,
  renameVolume,
} from '../../commands/volumes/volumes.ts';
import { type Answer, created, DONE, started, sync } from '../../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../../http/request.ts';
import type { SagaRecord } from '../../saga/saga-record.ts';
import { INSTANCES, POOLS, VOLUMES } from '../../spaces.ts';
import { getVolume, type VolumeName, volumeHome, volumeSnapshots } from '../../volumes/store.ts';
import { sizeBytesOf, volumeRef, volumeUsers } from '../../volumes/use.ts';
import type { Lxd } from '../context.ts';
import { type ConfigChange, configField, flagField, textField } from '../fields.ts';
import { list, projectUrl } from '../lists.ts';
import { sagaOperation } from '../operation.ts';
import { homeFor, mustMayTarget, projectOf, projectsOf } from '../project.ts';
import { requestorOf } from '../requestor.ts';
import { importVolumeBackup } from './import.ts';
import { instanceVolume, listedSnapshot, shownVolume, writableVolume } from './shown.ts';

const wanted = z.object({
  name: textField,
  type: textField,
  content_type: textField,
  description: textField,
  config: configField,
  source: z
    .object({
      type: textField,
      name: textField,
      pool: textField,
      project: textField,
      volume_only: flagField,
      refresh: flagField,
      mode: textField,
      location: textField,
    })
    .nullish(),
});

export function listVolumes(lxd: Lxd, request: ApiRequest): Answer {
  const { view } = lxd;
  const pool = poolOf(lxd, request);
  const type = request.params.type;
  if (type !== undefined) checkType(type);
  const homes = [...new Set(projectsOf(view, request).map(project => volumeHome(view, project)))];
  const usersOf = volumeUsers(view);
  const custom = homes.flatMap(home =>
    view
      .list(VOLUMES, home, pool)
      .filter(({ value }) => value.phase !== 'creating')
      .flatMap(({ value }) => [
        shownVolume(value, usersOf(value)),
        ...volumeSnapshots(view, value.id).map(each => listedSnapshot(value, each.value)),
      ]),
  );
  const instances = projectsOf(view, request).flatMap(project =>
    view.list(INSTANCES, project).flatMap(({ value }) => (value.pool === pool ? [instanceVolume(value)] : [])),
  );
  const all = [...(type === 'custom' ? [] : instances), ...(type === 'container' ? [] : custom)];
  return list(request, all, urlOfShown(pool), each => each);
}

const urlOfShown =
  (pool: string) =>
  ({ project, type, name }: { readonly project: string; readonly type: string; readonly name: string }): string => {
    const [volume = '', snapshot] = name.split('/');
    const path = ['storage-pools', pool, 'volumes', type, volume];
    return projectUrl(project, ...path, ...(snapshot === undefined ? [] : ['snapshots', snapshot]));
  };

/** Sync; but copying takes its time, and clients wait for an operation then. */
export async function makeVolume(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  if (request.headers['content-type']?.startsWith('application/octet-stream')) {
    if (request.params.type !== 'custom') fail('invalid', 'A backup is sent to .../volumes/custom');
    mustMayTarget(lxd.view, request);
    return importVolumeBackup(lxd, request);
  }
  const sent = await readBody(request, wanted);
  const type = request.params.type ?? sent.type;
  if (type !== 'custom') fail('invalid', `Invalid "type": only custom volumes can be made, not "${type}"`);
  if (sent.content_type !== '' && sent.content_type !== 'filesystem')
    fail(
      'unsupported',
      `Invalid "content_type": "${sent.content_type}" volumes are for virtual machines; use "filesystem"`,
    );
  mustMayTarget(lxd.view, request);
  const volume = {
    ...nameOf(lxd, request, sent.name),
    config: filled(sent.config),
    description: sent.description,
    node: request.query.target ?? '',
  };
  const { source } = sent;
  if (source === null || source === undefined || (source.name === '' && source.type === '')) {
    await createVolume(lxd, volume);
    return DONE; // LXD answers 200 without a location here
  }
  if (source.type !== 'copy')
    fail(
      'unsupported',
      `Invalid "source.type": "${source.type}" is not supported; "copy" takes a volume of this cluster`,
    );
  if (source.refresh)
    fail('unsupported', 'Invalid "source.refresh": refreshing a copy is not supported by this version');
  const [name = '', snapshot = ''] = source.name.split('/');
  const project = source.project || projectOf(request);
  if (source.project !== '') entered(request, project);
  const from = { project: volumeHome(lxd.view, project), pool: source.pool || volume.pool, name };
  const order = { ...volume, from, snapshot, volumeOnly: source.volume_only };
  return started(sagaOperation(await beginCopyVolume(lxd, order, requestorOf(request))));
}

export function oneVolume(lxd: Lxd, request: ApiRequest): Answer {
  if (request.params.type === 'container') return sync(instanceVolume(instanceOf(lxd, request)));
  const { value } = find(lxd, request);
  return sync(shownVolume(value, volumeUsers(lxd.view)(value)), writableVolume(value));
}

/** PUT and PATCH; with `restore` a PUT puts a snapshot back. */
export async function changeVolume(lxd: Lxd, request: ApiRequest, next: ConfigChange): Promise<Answer> {
  const { value } = find(lxd, request);
  matchEtag(request, writableVolume(value));
  const sent = await readBody(
    request,
    z.object({ config: configField, description: z.string().nullish(), restore: textField }),
  );
  if (sent.restore !== '')
    return ended(lxd, await beginRestoreVolume(lxd, { ...value, snapshot: sent.restore }, requestorOf(request)));
  const config = next(value.config, sent.config);
  const description = sent.description ?? (request.method === 'PATCH' ? value.description : '');
  return ended(lxd, await beginChangeVolume(lxd, value, { config, description }, requestorOf(request)));
}

export async function renameOrMove(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = find(lxd, request);
  const sent = await readBody(
    request,
    z.object({ name: textField, pool: textField, project: textField, migration: flagField }),
  );
  if (sent.migration)
    fail('unsupported', 'Copying a storage volume to another server is not supported by this version');
  if (sent.project !== '' && volumeHome(lxd.view, sent.project) !== value.project)
    fail('unsupported', 'Moving a storage volume to another project is not supported by this version: copy it there');
  mustMayTarget(lxd.view, request);
  const to = { pool: sent.pool || value.pool, name: sent.name || value.name, node: request.query.target || value.node };
  if (to.pool !== value.pool || to.node !== value.node)
    return started(sagaOperation(await beginMoveVolume(lxd, value, to, requestorOf(request))));
  await renameVolume(lxd, value, sent.name);
  return created(urlOfVolume({ ...value, name: sent.name }));
}

export async function removeVolume(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  return ended(lxd, await beginDeleteVolume(lxd, find(lxd, request).value, requestorOf(request)));
}

/** Of one that its host has not made yet: nothing. */
export async function volumeState(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = find(lxd, request);
  const used = value.node === '' ? 0n : await usedBytes(lxd, value);
  const total = Number(sizeBytesOf(value.config));
  return sync({ usage: { used: Number(used), ...(total > 0 ? { total } : {}) } });
}

async function usedBytes(lxd: Lxd, volume: { node: string; pool: string; id: string }): Promise<bigint> {
  try {
    return (await lxd.agents.of(volume.node).getVolumeState(volumeRef(volume))).usedBytes;
  } catch (thrown) {
    if (AppError.from(thrown).code === 'not-found') return 0n;
    throw thrown;
  }
}

/** The custom volume that the path names. @throws AppError `not-found`, `invalid` for volumes of other types. */
export function find(lxd: Lxd, request: ApiRequest) {
  const { type, volume } = request.params;
  checkType(type!);
  if (type !== 'custom') fail('invalid', `A volume of type "${type}" is changed through its instance`);
  const stored = getVolume(lxd.view, nameOf(lxd, request, volume!));
  const { target } = request.query;
  if (target && request.method === 'GET' && stored.value.node !== '' && stored.value.node !== target)
    fail('not-found', `Storage volume not found on ${target}: it is on ${stored.value.node}`);
  return stored;
}

/** Waits: LXD's clients expect these to be done when they have an answer. @throws AppError as the operation ended. */
export async function ended(lxd: Lxd, begun: SagaRecord): Promise<Answer> {
  const { state, error } = await lxd.engine.finished(begun.id);
  if (state === 'succeeded') return DONE;
  throw new AppError(error?.code ?? 'internal', error?.message ?? state);
}

export function nameOf(lxd: Lxd, request: ApiRequest, name: string): VolumeName {
  return { project: homeFor(lxd.view, request, 'storage.volumes'), pool: poolOf(lxd, request), name };
}

const urlOfVolume = ({ project, pool, name }: VolumeName): string =>
  projectUrl(project, 'storage-pools', pool, 'volumes', 'custom', name);

function poolOf(lxd: Lxd, request: ApiRequest): string {
  const name = request.params.name!;
  if (lxd.view.get(POOLS.key(name)) === undefined) fail('not-found', `Storage pool not found: ${name}`);
  return name;
}

function instanceOf(lxd: Lxd, request: ApiRequest) {
  const { volume, name } = request.params;
  const found = lxd.view.get(INSTANCES.key(projectOf(request), volume!))?.value;
  if (found === undefined || found.pool !== name) fail('not-found', 'Storage volume not found');
  return found;
}

function checkType(type: string): void {
  if (type === 'custom' || type === 'container') return;
  if (['image', 'virtual-machine'].includes(type))
    fail('not-found', `Storage volume not found: volumes of type "${type}" are not shown by this version of Berth`);
  fail('invalid', `Invalid storage volume type "${type}" (custom, container)`);
}

/** '' unsets. */
const filled = (config: Config): Config =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== ''));

function entered(request: ApiRequest, project: string): void {
  const { projects } = request.caller;
  if (projects !== undefined && !projects.includes(project)) fail('forbidden', `Project "${project}" is not yours`);
}
