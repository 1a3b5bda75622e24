/** What a backup says of itself, in LXD's words: `backup/index.yaml`, and the part of it that LXD keeps beside a root. */
import { stringify } from 'yaml';
import type { Config, InstanceRecord } from '../../domain/instance.ts';
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import type { View } from '../../store/view.ts';
import { POOLS, PROFILES } from '../spaces.ts';
import { expanded } from './expanded.ts';

const NO_TIME = '0001-01-01T00:00:00Z';

/** Roots in our archives are not shifted, which LXD reads off this key. */
const UNSHIFTED = { 'volatile.last_state.idmap': '[]' };

/** LXD refuses an archive with keys that it does not know: what else the cluster noted for itself stays here. */
const KNOWN = /^volatile\.(base_image|uuid|[^.]+\.hwaddr)$/;
const forLxd = (config: Config): Config => ({
  ...Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith('volatile.') || KNOWN.test(key))),
  ...UNSHIFTED,
});

export interface BackupTexts {
  readonly index: string;
  readonly config: string;
}

export function backupTexts(view: View, record: InstanceRecord, snapshots: readonly SnapshotRecord[]): BackupTexts {
  const { project, name, pool } = record;
  const driver = view.get(POOLS.key(pool))?.value.driver ?? 'dir';
  const volume = { config: {}, description: '', content_type: 'filesystem', location: 'none', used_by: [] };
  const config = {
    container: { ...described(view, record), name, status: 'Stopped', status_code: 102, type: record.type, project },
    snapshots: snapshots.map(each => shown(view, record, each)),
    pool: { config: {}, description: '', name: pool, driver, used_by: [], status: 'Created', locations: ['none'] },
    profiles: record.profiles.flatMap(each => {
      const profile = view.get(PROFILES.key(project, each))?.value;
      if (profile === undefined) return [];
      const { description, config, devices } = profile;
      return [{ name: each, description, config, devices, used_by: [] }];
    }),
    volume: { ...volume, name, type: 'container', created_at: record.createdAt },
    volume_snapshots: snapshots.map(each => ({
      ...{ name: each.name, description: '', content_type: 'filesystem', config: {} },
      created_at: each.createdAt,
      expires_at: each.expiresAt || NO_TIME,
    })),
  };
  const index = {
    name,
    backend: driver,
    pool,
    ...(snapshots.length === 0 ? {} : { snapshots: snapshots.map(each => each.name) }),
    optimized: false,
    optimized_header: false,
    type: 'container',
    config,
  };
  const yaml = (value: object) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
  return { index: yaml(index), config: yaml(config) };
}

function shown(view: View, { project }: InstanceRecord, snapshot: SnapshotRecord) {
  const { name, createdAt, expiresAt, was } = snapshot;
  const record = { ...was, project, createdAt };
  return { ...described(view, record), name, expires_at: expiresAt || NO_TIME, size: -1 };
}

type Described = Pick<
  InstanceRecord,
  'architecture' | 'config' | 'devices' | 'ephemeral' | 'profiles' | 'description' | 'project' | 'createdAt'
> & { readonly lastUsedAt?: string };

/** Never stateful: memory and processes are not in a backup. */
function described(view: View, record: Described) {
  const whole = wholeOf(view, record);
  return {
    architecture: record.architecture,
    config: forLxd(record.config),
    devices: record.devices,
    ephemeral: record.ephemeral,
    profiles: record.profiles,
    stateful: false,
    description: record.description,
    created_at: record.createdAt,
    expanded_config: forLxd(whole.config),
    expanded_devices: whole.devices,
    last_used_at: record.lastUsedAt ?? NO_TIME,
  };
}

function wholeOf(view: View, record: Described): Pick<InstanceRecord, 'config' | 'devices'> {
  try {
    return expanded(view, record);
  } catch {
    return record; // a snapshot of before a profile was deleted
  }
}
