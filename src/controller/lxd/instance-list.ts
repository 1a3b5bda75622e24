/** Lists and full views of instances: `recursion=2` (and 1 of a single one) adds what only the hosts know. */
import type { InstanceRecord } from '../../domain/instance.ts';
import { type Answer, sync } from '../http/answer.ts';
import { parseFilter } from '../http/filter.ts';
import { type ApiRequest, recursion } from '../http/request.ts';
import { seenState } from '../instances/state.ts';
import { INSTANCES } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { shownInstance } from './instance.ts';
import { shownState } from './instance-state.ts';
import { projectOf } from './project.ts';
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
      return sync(shown.map(({ record }) => `/1.0/${collection}/${record.name}`));
    case 1:
      return sync(shown.map(({ object }) => object));
    default:
      return sync(await Promise.all(shown.map(({ record, object }) => full(lxd, record, object))));
  }
}

export async function fullInstance(lxd: Lxd, record: InstanceRecord): Promise<object> {
  return full(lxd, record, shownInstance(lxd.view, record));
}

export async function instanceState(lxd: Lxd, record: InstanceRecord) {
  const seen = seenState(lxd.view, record);
  const runs = seen === 'running' || seen === 'frozen';
  return shownState(seen, runs ? await lxd.states.get(record) : undefined);
}

async function full(lxd: Lxd, record: InstanceRecord, object: object): Promise<object> {
  return {
    ...object,
    state: await instanceState(lxd, record),
    snapshots: shownSnapshots(lxd.view, record),
    backups: null,
  };
}

function visible(lxd: Lxd, request: ApiRequest): readonly InstanceRecord[] {
  return lxd.view
    .list(INSTANCES, projectOf(request))
    .map(({ value }) => value)
    .filter(({ phase }) => phase !== 'creating');
}
