/** Lists and full views of instances: `recursion=2` (and 1 of a single one) adds what only the hosts know. */
import type { InstanceRecord, Seen } from '../../domain/instance.ts';
import { type Answer, sync } from '../http/answer.ts';
import { parseFilter } from '../http/filter.ts';
import { type ApiRequest, recursion } from '../http/request.ts';
import { backupsOf } from '../instances/backup-store.ts';
import { seenState } from '../instances/state.ts';
import { INSTANCES } from '../spaces.ts';
import { shownBackup } from './backups/routes.ts';
import type { Lxd } from './context.ts';
import { shownInstance } from './instance.ts';
import { shownState } from './instance-state.ts';
import { projectUrl } from './lists.ts';
import { projectsOf } from './project.ts';
import { shownSnapshots } from './snapshots.ts';

/** @param collection `instances`, or the older name that the client used. */
export async function listInstances(lxd: Lxd, request: ApiRequest, collection: string): Promise<Answer> {
  const takes = parseFilter(request.query.filter);
  // There are no virtual machines; the collection exists for clients that look into it.
  const records = collection === 'virtual-machines' ? [] : visible(lxd, request);
  const shown = records
    .map(record => ({ record, object: shownInstance(lxd.view, record) }))
    .filter(({ object }) => takes(object));
  switch (recursion(request)) {
    case 0:
      return sync(shown.map(({ record }) => projectUrl(record.project, collection, record.name)));
    case 1:
      return sync(shown.map(({ object }) => object));
    default:
      return sync(await fullObjects(lxd, shown));
  }
}

export async function fullInstance(lxd: Lxd, record: InstanceRecord): Promise<object> {
  return full(lxd, record, shownInstance(lxd.view, record), await instanceState(lxd, record));
}

export async function instanceState(lxd: Lxd, record: InstanceRecord) {
  const seen = seenState(lxd.view, record);
  return shownState(seen, hasUsage(seen) ? await lxd.states.get(record) : undefined);
}

/** Whether each runs is told by the view; the rest may be a second old. */
async function fullObjects(
  lxd: Lxd,
  shown: readonly { readonly record: InstanceRecord; readonly object: object }[],
): Promise<readonly object[]> {
  const seen = shown.map(({ record }) => seenState(lxd.view, record));
  const usage = await lxd.states.all(shown.filter((_, at) => hasUsage(seen[at]!)).map(({ record }) => record));
  return shown.map(({ record, object }, at) => full(lxd, record, object, shownState(seen[at]!, usage.get(record.id))));
}

const hasUsage = (seen: Seen): boolean => seen === 'running' || seen === 'frozen';

function full(lxd: Lxd, record: InstanceRecord, object: object, state: object): object {
  const backups = backupsOf(lxd.view, record.id).map(({ value }) => shownBackup(value));
  return { ...object, state, snapshots: shownSnapshots(lxd.view, record), backups };
}

function visible(lxd: Lxd, request: ApiRequest): readonly InstanceRecord[] {
  return projectsOf(lxd.view, request)
    .flatMap(project => lxd.view.list(INSTANCES, project))
    .map(({ value }) => value)
    .filter(({ phase }) => phase !== 'creating');
}
