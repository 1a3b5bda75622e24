/**
 * LXC's configuration file for one instance: pure. NICs are not in it: the container's network namespace starts empty
 * and the plug script fills it, at a start and after a restore alike. No console and no pty of the host is handed in:
 * CRIU cannot restore what belongs to the host.
 */
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import { isTrue } from '../../domain/values.ts';
import { type Bound, boundLine } from '../devices/bound.ts';
import type { CgroupSetting } from '../limits.ts';
import { isPrivileged, type Spec } from '../spec.ts';
import type { IdMap } from '../storage/id-map.ts';
import { line } from './line.ts';
import { rawLines } from './raw.ts';

export interface ConfigFacts {
  readonly cgroupV2: boolean;
  readonly cgroupPrefix: string;
  readonly idMap: IdMap;
  /** Path of the root's tree. */
  readonly rootfs: string;
  /** Path of the plug script. */
  readonly plug: string;
  /** Path of the file with its seccomp profile; undefined: it has none. */
  readonly seccomp: string | undefined;
  /** Name of the signal that asks this init to shut down. */
  readonly haltSignal: string;
  /** Paths of lxcfs's files to lay over /proc, by name: `meminfo`... */
  readonly lxcfs: Readonly<Record<string, string>>;
  readonly appArmor: boolean;
  readonly settings: readonly CgroupSetting[];
  /** What devices lay into its root. */
  readonly bound: readonly Bound[];
  /** Rules for the devices cgroup of a privileged instance, besides the harmless ones. */
  readonly allowed: readonly string[];
}

/** @throws AppError `invalid` or `unsupported`, naming the key or device that cannot be */
export function lxcConfig(spec: Spec, facts: ConfigFacts): string {
  const privileged = isPrivileged(spec.config);
  const nesting = isTrue(spec.config['security.nesting']);
  const lines = [
    line('lxc.uts.name', spec.name),
    ...(spec.architecture === '' ? [] : [line('lxc.arch', spec.architecture)]),
    line('lxc.rootfs.path', `dir:${facts.rootfs}`),
    line('lxc.cgroup.dir', facts.cgroupPrefix),
    line('lxc.net.0.type', 'empty'),
    line('lxc.hook.version', '1'),
    line('lxc.hook.start-host', facts.plug),
    line('lxc.console.path', 'none'),
    line('lxc.tty.max', '0'),
    line('lxc.pty.max', '1024'),
    line('lxc.autodev', '1'),
    line('lxc.signal.halt', facts.haltSignal),
    line('lxc.mount.auto', 'cgroup:mixed proc:mixed sys:mixed'),
    line('lxc.cap.drop', USELESS_CAPABILITIES),
    ...(privileged ? PRIVILEGED(facts.cgroupV2, facts.allowed) : idMapLines(facts.idMap)),
    ...(facts.seccomp === undefined ? [] : [line('lxc.seccomp.profile', facts.seccomp)]),
    ...appArmorLines(spec.config, facts.appArmor),
    ...Object.entries(facts.lxcfs).map(([name, source]) =>
      line('lxc.mount.entry', `${source} proc/${name} none bind,optional 0 0`),
    ),
    ...NO_PRESSURE,
    ...(nesting ? NESTING : []),
    ...facts.bound.map(boundLine),
    ...limitLines(facts),
    ...kernelLines(spec.config),
    ...environmentLines(spec.config),
    ...rawLines(spec.config['raw.lxc'] ?? ''),
  ];
  return `${lines.join('\n')}\n`;
}

function idMapLines({ base, size }: IdMap): readonly string[] {
  return ['u', 'g'].map(kind => line('lxc.idmap', `${kind} 0 ${base} ${size}`));
}

/**
 * Of the host, not of a container. In an unprivileged one they allow nothing anyway, but systemd takes their presence for
 * permission: with sys_rawio it tries to mount debugfs, fails, and calls itself degraded.
 */
const USELESS_CAPABILITIES = 'mac_admin mac_override sys_time sys_module sys_rawio';

/**
 * Root inside is root outside here, so what an unprivileged one cannot do anyway must be forbidden: modules, clock, raw
 * I/O, host-wide system calls, and every device but the harmless ones.
 */
const PRIVILEGED = (cgroupV2: boolean, allowed: readonly string[]): readonly string[] => {
  const cgroup = cgroupV2 ? 'lxc.cgroup2' : 'lxc.cgroup';
  return [
    line(`${cgroup}.devices.deny`, 'a'),
    ...[...HARMLESS_DEVICES, ...allowed].map(device => line(`${cgroup}.devices.allow`, device)),
  ];
};

/** mknod of anything; null, zero, full, random, urandom, tty, console, ptmx, pts. Not fuse: it is the host's. */
const HARMLESS_DEVICES = [
  'c *:* m',
  'b *:* m',
  'c 1:3 rwm',
  'c 1:5 rwm',
  'c 1:7 rwm',
  'c 1:8 rwm',
  'c 1:9 rwm',
  'c 5:0 rwm',
  'c 5:1 rwm',
  'c 5:2 rwm',
  'c 136:* rwm',
];

/**
 * CRIU brings back a file that watches the host's memory pressure, but not what it was told to watch for; it then never
 * stops reporting an error, and systemd (254 and later) does nothing else any more. So there is nothing to watch for
 * the container as a whole, nor, by the variable and where cgroups are v2, for its init. (The figures were the host's.)
 */
const NO_PRESSURE = [
  line('lxc.mount.entry', '/dev/null proc/pressure/memory none bind,optional 0 0'),
  line('lxc.environment', 'MEMORY_PRESSURE_WATCH=/dev/null'),
];

/** The kernel lets a container inside mount its own proc and sysfs only if it sees whole ones somewhere. */
const NESTING = [
  line('lxc.mount.entry', 'proc dev/.lxc/proc proc create=dir,optional 0 0'),
  line('lxc.mount.entry', 'sys dev/.lxc/sys sysfs create=dir,optional 0 0'),
];

function limitLines({ settings, cgroupV2 }: ConfigFacts): readonly string[] {
  const prefix = cgroupV2 ? 'lxc.cgroup2' : 'lxc.cgroup';
  return settings.filter(({ unlimited }) => !unlimited).map(({ file, value }) => line(`${prefix}.${file}`, value));
}

/** @throws AppError `unsupported` where the host does not have what the key is for */
function appArmorLines(config: Config, present: boolean): readonly string[] {
  const own = (config['raw.apparmor'] ?? '').split('\n').filter(each => each.trim() !== '');
  if (!present) {
    if (own.length > 0) fail('unsupported', 'raw.apparmor: this host has no AppArmor; unset it');
    return [];
  }
  return [
    'lxc.apparmor.profile = generated',
    'lxc.apparmor.allow_nesting = 1',
    ...own.map(each => line('lxc.apparmor.raw', each.trim())),
  ];
}

/** Limits of its processes. Its sysctls are the plug script's: LXC would set them when /proc/sys is read-only already. */
function kernelLines(config: Config): readonly string[] {
  return Object.entries(config).flatMap(([key, value]) =>
    key.startsWith('limits.kernel.') && value !== '' ? [line(`lxc.prlimit.${key.slice(14)}`, value)] : [],
  );
}

function environmentLines(config: Config): readonly string[] {
  return Object.entries(config).flatMap(([key, value]) => {
    if (!key.startsWith('environment.')) return [];
    const name = key.slice('environment.'.length);
    if (!/^[A-Za-z0-9_.]+$/.test(name)) fail('invalid', `"${key}" is not a valid key`);
    return [line('lxc.environment', `${name}=${value}`)];
  });
}
