/** LXD's instance object, and how a request names one. */
import type { Config, InstanceRecord } from '../../domain/instance.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import type { ApiRequest } from '../http/request.ts';
import { expanded } from '../instances/expanded.ts';
import { getInstance } from '../instances/instance-store.ts';
import { seenState } from '../instances/state.ts';
import type { Lxd } from './context.ts';
import { projectOf } from './project.ts';
import { INSTANCE_STATUS, NO_TIME, STATUS_TEXT } from './status.ts';

/** The instance that the path names. @throws AppError `not-found`. */
export function findInstance(lxd: Lxd, request: ApiRequest): Stored<InstanceRecord> {
  return getInstance(lxd.view, projectOf(request), request.params.name!);
}

/** What a client may change, and what its ETag is made of. */
export function writableInstance({
  architecture,
  config,
  devices,
  ephemeral,
  profiles,
  stateful = false,
  description,
}: InstanceRecord) {
  return { architecture, config, devices, ephemeral, profiles, stateful, description };
}

export function shownInstance(view: View, record: InstanceRecord) {
  const code = INSTANCE_STATUS[seenState(view, record)];
  const whole = expanded(view, record);
  const power = lastPower(record);
  return {
    ...writableInstance(record),
    config: { ...record.config, ...power },
    name: record.name,
    status: STATUS_TEXT[code],
    status_code: code,
    type: record.type,
    project: record.project,
    location: record.node === '' ? 'none' : record.node,
    created_at: record.createdAt,
    last_used_at: record.lastUsedAt ?? NO_TIME,
    expanded_config: { ...whole.config, ...power },
    expanded_devices: whole.devices,
  };
}

/** Shown, never stored: Ansible's inventory knows by this key alone who runs. LXD sets it at the first start. */
export const LAST_POWER = 'volatile.last_state.power';

function lastPower({ wanted, lastUsedAt }: InstanceRecord): Config {
  return lastUsedAt === undefined ? {} : { [LAST_POWER]: wanted === 'stopped' ? 'STOPPED' : 'RUNNING' };
}
