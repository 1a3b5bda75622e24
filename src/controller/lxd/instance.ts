/** LXD's instance object, and how a request names one. */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord, Seen } from '../../domain/instance.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import type { ApiRequest } from '../http/request.ts';
import { expanded } from '../instances/expanded.ts';
import { INSTANCES, STATUS } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { projectOf } from './project.ts';
import { INSTANCE_STATUS, NO_TIME, STATUS_TEXT } from './status.ts';

/** The instance that the path names. @throws AppError `not-found`. */
export function findInstance(lxd: Lxd, request: ApiRequest): Stored<InstanceRecord> {
  const name = request.params.name!;
  return lxd.view.get(INSTANCES.key(projectOf(request), name)) ?? fail('not-found', `Instance not found: ${name}`);
}

/** What a client may change, and what its ETag is made of. */
export function writableInstance({ architecture, config, devices, ephemeral, profiles, description }: InstanceRecord) {
  return { architecture, config, devices, ephemeral, profiles, stateful: false, description };
}

export function shownInstance(view: View, record: InstanceRecord, seen: Seen = seenState(view, record)) {
  const code = INSTANCE_STATUS[seen];
  const whole = expanded(view, record);
  return {
    ...writableInstance(record),
    name: record.name,
    status: STATUS_TEXT[code],
    status_code: code,
    type: record.type,
    project: record.project,
    location: record.node === '' ? 'none' : record.node,
    created_at: record.createdAt,
    last_used_at: record.lastUsedAt ?? NO_TIME,
    expanded_config: whole.config,
    expanded_devices: whole.devices,
  };
}

/** What its host last said of it; what another owner's host once said does not count. */
export function seenState(view: View, record: InstanceRecord): Seen {
  const status = view.get(STATUS.key(record.id))?.value;
  if (status === undefined || status.generation !== record.generation) return 'stopped';
  return status.state;
}
