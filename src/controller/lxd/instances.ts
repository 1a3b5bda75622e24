/**
 * `/1.0/instances`, also under the older names that clients still use. One table for all of them: the objects are the
 * same, only URLs in lists differ.
 */
import { beginDeleteInstance } from '../commands/delete-instance.ts';
import { type Answer, started, sync } from '../http/answer.ts';
import { type ApiRequest, recursion } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { createBackup, exportBackup, listBackups, oneBackup, removeBackup, renameBackup } from './backups/routes.ts';
import { consoleLog, openConsole } from './console.ts';
import type { Lxd } from './context.ts';
import { exec } from './exec.ts';
import { deleteFile, getFile, postFile, sftp } from './files/files.ts';
import { findInstance, shownInstance, writableInstance } from './instance.ts';
import { patchInstance, putInstance } from './instance-change.ts';
import { createInstance } from './instance-create.ts';
import { fullInstance, instanceState, listInstances } from './instance-list.ts';
import { logFile, logFiles, removeLogFile } from './instance-logs.ts';
import { changeInstanceMetadata, getMetadata, getTemplates, putTemplate, removeTemplate } from './instance-metadata.ts';
import { postInstance } from './instance-move.ts';
import { changeState, changeStates } from './instance-power.ts';
import { sagaOperation } from './operation.ts';
import { requestorOf } from './requestor.ts';
import {
  changeSnapshot,
  createSnapshot,
  listSnapshots,
  oneSnapshot,
  removeSnapshot,
  renameSnapshot,
} from './snapshots.ts';

const COLLECTIONS = ['instances', 'containers', 'virtual-machines'] as const;

export function instanceRoutes(lxd: Lxd): readonly Route[] {
  return COLLECTIONS.flatMap(collection => routesOf(lxd, collection));
}

function routesOf(lxd: Lxd, collection: string): readonly Route[] {
  const at = (
    method: Route['method'],
    path: string,
    handle: (lxd: Lxd, request: ApiRequest, collection: string) => Promise<Answer> | Answer,
  ): Route => ({
    method,
    path: `/1.0/${collection}${path}`,
    access: 'trusted',
    handle: request => handle(lxd, request, collection),
  });
  return [
    at('GET', '', listInstances),
    at('POST', '', createInstance),
    at('PUT', '', changeStates),
    at('GET', '/:name', one),
    at('PUT', '/:name', putInstance),
    at('PATCH', '/:name', patchInstance),
    at('POST', '/:name', postInstance),
    at('DELETE', '/:name', remove),
    at('GET', '/:name/state', state),
    at('PUT', '/:name/state', changeState),
    at('POST', '/:name/exec', exec),
    at('HEAD', '/:name/files', getFile), // before GET: else it would be made of that, and read whole files
    at('GET', '/:name/files', getFile),
    at('POST', '/:name/files', postFile),
    at('DELETE', '/:name/files', deleteFile),
    at('GET', '/:name/sftp', sftp),
    at('GET', '/:name/snapshots', listSnapshots),
    at('POST', '/:name/snapshots', createSnapshot),
    at('GET', '/:name/snapshots/:snapshot', oneSnapshot),
    at('PUT', '/:name/snapshots/:snapshot', changeSnapshot),
    at('PATCH', '/:name/snapshots/:snapshot', changeSnapshot),
    at('POST', '/:name/snapshots/:snapshot', renameSnapshot),
    at('DELETE', '/:name/snapshots/:snapshot', removeSnapshot),
    at('GET', '/:name/backups', listBackups),
    at('POST', '/:name/backups', createBackup),
    at('GET', '/:name/backups/:backup', oneBackup),
    at('POST', '/:name/backups/:backup', renameBackup),
    at('DELETE', '/:name/backups/:backup', removeBackup),
    at('GET', '/:name/backups/:backup/export', exportBackup),
    at('GET', '/:name/logs', logFiles),
    at('GET', '/:name/logs/:file', logFile),
    at('DELETE', '/:name/logs/:file', removeLogFile),
    at('GET', '/:name/metadata', getMetadata),
    at('PUT', '/:name/metadata', changeInstanceMetadata),
    at('PATCH', '/:name/metadata', changeInstanceMetadata),
    at('GET', '/:name/metadata/templates', getTemplates),
    at('POST', '/:name/metadata/templates', putTemplate),
    at('DELETE', '/:name/metadata/templates', removeTemplate),
    at('POST', '/:name/console', openConsole),
    at('GET', '/:name/console', consoleLog),
    at('DELETE', '/:name/console', consoleLog),
    at('GET', '/:name/placement', placement),
  ];
}

async function one(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = findInstance(lxd, request);
  const object = recursion(request) === 0 ? shownInstance(lxd.view, value) : await fullInstance(lxd, value);
  return sync(object, writableInstance(value));
}

async function remove(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { project, name } = findInstance(lxd, request).value;
  return started(sagaOperation(await beginDeleteInstance(lxd, { project, name }, requestorOf(request))));
}

async function state(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const shown = await instanceState(lxd, findInstance(lxd, request).value);
  return sync(shown, { status_code: shown.status_code });
}

/** Why it is where it is: the decision as it was made, with the reasons for every node. */
function placement(lxd: Lxd, request: ApiRequest): Answer {
  const { value } = findInstance(lxd, request);
  return sync(value.placement ?? { node: value.node, at: value.createdAt, summary: '', reasons: [] });
}
