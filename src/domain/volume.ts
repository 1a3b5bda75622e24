/** Custom volumes: trees of files that belong to no instance and outlive those that use them. */
import { fail } from './errors.ts';
import type { Config } from './instance.ts';
import { snapshotExpiry } from './snapshot-expiry.ts';
import { snapshotPattern } from './snapshot-name.ts';
import { isAtStartup, snapshotSchedule } from './snapshot-schedule.ts';
import type { PoolDriver } from './storage-pool.ts';
import { boolean, size, type ValueCheck } from './values.ts';

/** Key `volumes/<project>/<pool>/<name>`; written by sagas under the volume's lock, and by those of an instance that uses it first. */
export interface VolumeRecord {
  /** UUID; hosts know the volume by it, so that renaming touches no host. */
  readonly id: string;
  readonly project: string;
  readonly pool: string;
  readonly name: string;
  readonly description: string;
  readonly config: Config;
  /** Where it lies; '' = nowhere yet: it is made on the host of the instance that uses it first. */
  readonly node: string;
  /** `creating` until the pivot of its creation. */
  readonly phase: 'creating' | 'ready' | 'deleting';
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Key `volume-snapshots/<volume id>/<name>`; written by sagas, under the volume's lock. */
export interface VolumeSnapshotRecord {
  /** UUID; hosts know the snapshot by it. */
  readonly id: string;
  /** Id of the volume. */
  readonly volume: string;
  readonly name: string;
  readonly phase: 'creating' | 'ready' | 'deleting';
  readonly description: string;
  /** The volume's, as it was. */
  readonly config: Config;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601; '' = never. */
  readonly expiresAt: string;
  /** ISO 8601: the time of `snapshots.schedule` that it was taken for. */
  readonly scheduledFor?: string;
}

const KEYS: Readonly<Record<string, ValueCheck>> = {
  size,
  'security.shifted': boolean,
  'security.unmapped': boolean,
  'snapshots.expiry': snapshotExpiry,
  'snapshots.pattern': snapshotPattern,
  'snapshots.schedule': (key, value) => {
    snapshotSchedule(key, value);
    if (isAtStartup(value)) fail('invalid', `Invalid value for "${key}": a volume is not started; use a time`);
  },
};

/** Keys of LXD that are refused, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  'block.filesystem': 'it is for block storage',
  'block.mount_options': 'it is for block storage',
};

/** @throws AppError `invalid` naming the key */
export function checkVolumeConfig(config: Config, driver: PoolDriver): void {
  for (const [key, value] of Object.entries(config)) {
    if (key.startsWith('user.') || key.startsWith('volatile.') || value === '') continue;
    const check = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (check === undefined) {
      const why = Object.hasOwn(REFUSED, key) ? REFUSED[key] : `known: ${Object.keys(KEYS).join(', ')}, user.*`;
      fail('invalid', `Invalid option for a storage volume: "${key}" (${why})`);
    }
    check(key, value);
  }
  if (config.size && driver === 'dir')
    fail(
      'invalid',
      '"size": a pool of driver "dir" cannot limit the size of a volume: use a btrfs pool, or leave it out',
    );
}
