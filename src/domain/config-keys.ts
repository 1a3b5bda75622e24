/**
 * Every config key an instance or profile may have, and what its value may be. A key that is not here is refused by name:
 * nothing is ever accepted and then ignored. LXD's names and meanings.
 */
import { fail } from './errors.ts';
import type { Config } from './instance.ts';
import { kernelLimit, kernelModules, syscallList, sysctl } from './kernel-values.ts';
import { snapshotExpiry } from './snapshot-expiry.ts';
import { snapshotPattern } from './snapshot-name.ts';
import { snapshotSchedule } from './snapshot-schedule.ts';
import {
  anything,
  boolean,
  cpuAllowance,
  cpus,
  integer,
  isTrue,
  oneOf,
  size,
  sizeOrPercent,
  type ValueCheck,
  wrong,
} from './values.ts';

/** Both ways of writing false; true is refused with the reason. */
const onlyFalse =
  (why: string): ValueCheck =>
  (key, value) => {
    boolean(key, value);
    if (isTrue(value)) wrong(key, value, why);
  };

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
  'limits.disk.priority': integer(0, 10),
  'limits.hugepages.64KB': size,
  'limits.hugepages.1MB': size,
  'limits.hugepages.2MB': size,
  'limits.hugepages.1GB': size,
  'limits.memory': sizeOrPercent,
  'limits.memory.enforce': oneOf('hard', 'soft'),
  'limits.memory.swap': boolean,
  'limits.memory.swap.priority': integer(0, 10),
  'limits.processes': integer(1, 4_194_304),
  'linux.kernel_modules': kernelModules,
  'nvidia.runtime': onlyFalse('is not possible: GPUs are not handed to instances'),
  'raw.apparmor': anything,
  'raw.lxc': anything,
  'raw.seccomp': anything,
  'security.devlxd': onlyFalse('is not possible: there is no /dev/lxd/sock in instances'),
  'security.devlxd.images': onlyFalse('is not possible: there is no /dev/lxd/sock in instances'),
  'security.idmap.isolated': onlyFalse('is not possible: all unprivileged instances have the id range of their host'),
  'security.nesting': boolean,
  'security.privileged': boolean,
  'security.protection.delete': boolean,
  // Always so: ids are mapped by the kernel, no file of an instance is ever given another owner.
  'security.protection.shift': boolean,
  'security.syscalls.allow': syscallList,
  'security.syscalls.deny': syscallList,
  'security.syscalls.deny_compat': onlyFalse('is not possible: deny calls of other architectures in raw.seccomp'),
  'security.syscalls.deny_default': boolean,
  'snapshots.expiry': snapshotExpiry,
  'snapshots.pattern': snapshotPattern,
  'snapshots.schedule': snapshotSchedule,
  'snapshots.schedule.stopped': boolean,
};

/** Families of keys that carry data rather than settings. */
const PREFIXES: Readonly<Record<string, ValueCheck>> = {
  'environment.': anything,
  'limits.kernel.': kernelLimit,
  'linux.sysctl.': sysctl,
  'image.': anything,
  'user.': anything,
  'cloud-init.': anything,
  'volatile.': anything,
};

/** LXD has these and Berth has not: each with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  'limits.memory.hugepages': 'it is for virtual machines',
  'limits.network.priority': 'give the card "limits.priority" instead',
  'migration.': 'a move chooses its rounds by what it measures; `berth move --mode` says otherwise',
  'nvidia.': 'GPUs are not handed to instances',
  'raw.idmap': 'all unprivileged instances have the id range of their host',
  'raw.qemu': 'it is for virtual machines',
  'security.agent.': 'it is for virtual machines',
  'security.idmap.': 'all unprivileged instances have the id range of their host',
  'security.secureboot': 'it is for virtual machines',
  'security.syscalls.intercept.': 'no system call is intercepted; unset it, or set security.privileged',
};

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
  const refused = Object.keys(REFUSED).find(each => key === each || (each.endsWith('.') && key.startsWith(each)));
  if (refused !== undefined) fail('invalid', `Configuration key "${key}" is not supported: ${REFUSED[refused]}`);
  fail('invalid', `Unknown configuration key: "${key}"`);
}
