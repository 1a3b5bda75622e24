/**
 * Every config key an instance or profile may have, and what its value may be. A key that is not here is refused by name:
 * nothing is ever accepted and then ignored. LXD's names and meanings.
 */
import { fail } from './errors.ts';
import type { Config } from './instance.ts';
import { snapshotExpiry } from './snapshot-expiry.ts';
import { snapshotPattern } from './snapshot-name.ts';
import { snapshotSchedule } from './snapshot-schedule.ts';
import { anything, boolean, cpuAllowance, cpus, integer, oneOf, sizeOrPercent, type ValueCheck } from './values.ts';

const KEYS: Readonly<Record<string, ValueCheck>> = {
  'boot.autostart': boolean,
  'boot.autostart.delay': integer(0, 3600),
  'boot.autostart.priority': integer(-1000, 1000),
  'boot.host_shutdown_timeout': integer(0, 3600),
  'boot.stop.priority': integer(-1000, 1000),
  'cluster.evacuate': oneOf('auto', 'migrate', 'live-migrate', 'stop'),
  'limits.cpu': cpus,
  'limits.cpu.allowance': cpuAllowance,
  'limits.cpu.priority': integer(0, 10),
  'limits.memory': sizeOrPercent,
  'limits.memory.enforce': oneOf('hard', 'soft'),
  'limits.memory.swap': boolean,
  'limits.processes': integer(1, 4_194_304),
  'raw.lxc': anything,
  'security.nesting': boolean,
  'security.privileged': boolean,
  'snapshots.expiry': snapshotExpiry,
  'snapshots.pattern': snapshotPattern,
  'snapshots.schedule': snapshotSchedule,
  'snapshots.schedule.stopped': boolean,
};

/** Families of keys that carry data rather than settings. */
const PREFIXES: Readonly<Record<string, ValueCheck>> = {
  'environment.': anything,
  'image.': anything,
  'user.': anything,
  'cloud-init.': anything,
  'volatile.': anything,
};

/** LXD has these and Berth has not (yet): saying so is better than "unknown". */
const NOT_YET = [
  'limits.disk.priority',
  'limits.hugepages.',
  'limits.kernel.',
  'limits.memory.hugepages',
  'limits.memory.swap.priority',
  'limits.network.priority',
  'linux.kernel_modules',
  'migration.',
  'nvidia.',
  'raw.apparmor',
  'raw.idmap',
  'raw.qemu',
  'raw.seccomp',
  'security.devlxd',
  'security.idmap.',
  'security.protection.',
  'security.syscalls.',
];

/** @throws AppError `invalid` for the first key or value that is wrong. */
export function checkInstanceConfig(config: Config): void {
  for (const [key, value] of Object.entries(config)) checkKey(key, value);
}

/** Profiles may hold what instances may, except what belongs to one instance only. */
export function checkProfileConfig(config: Config): void {
  for (const [key, value] of Object.entries(config)) {
    if (key.startsWith('volatile.') || key.startsWith('image.')) {
      fail('invalid', `Invalid configuration key "${key}": it belongs to an instance, not to a profile`);
    }
    checkKey(key, value);
  }
}

function checkKey(key: string, value: string): void {
  const prefix = Object.keys(PREFIXES).find(each => key.startsWith(each) && key.length > each.length);
  const check =
    (Object.hasOwn(KEYS, key) ? KEYS[key] : undefined) ?? (prefix === undefined ? undefined : PREFIXES[prefix]);
  if (check !== undefined) {
    if (value !== '') check(key, value); // LXD: an empty value means "not set"
    return;
  }
  if (NOT_YET.some(each => key === each || (each.endsWith('.') && key.startsWith(each)))) {
    fail('invalid', `Configuration key "${key}" is not supported by this version of Berth; unset it`);
  }
  fail('invalid', `Unknown configuration key: "${key}"`);
}
