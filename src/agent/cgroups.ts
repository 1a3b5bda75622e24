/**
 * Where this host keeps cgroups, and how to touch those of one instance. Three layouts occur: v2 alone, v1 alone, and
 * v1 with an empty v2 beside it ("hybrid"), where controllers are v1's. Reads are synchronous on purpose: a cgroup
 * file is kernel memory, and asking the thread pool costs ten times the read.
 */
import { type Dirent, existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Cgroups {
  /** All controllers are on v2. */
  readonly v2: boolean;
  readonly prefix: string;
  /** Names of all controllers that can be used. */
  readonly controllers: readonly string[];
  /** Mount points of all hierarchies. */
  readonly hierarchies: readonly string[];
  /** The payload's folder for one controller (`memory`, `cpu`, ...); undefined if this host lacks it. */
  payload(controller: string, id: string): string | undefined;
  /** The folder that appears when a container starts and goes when it has stopped: what `observe` watches. */
  readonly top: string;
  /** Pids in LXC's monitor cgroup, in the host's numbers. */
  monitors(id: string): readonly number[];
  /** All pids in the payload, nested cgroups included. */
  members(id: string): readonly number[];
  /** Ids that have cgroups, running or left behind. */
  ids(): readonly string[];
  /** Removes what a container left behind. Throws EBUSY where processes live. */
  clear(id: string): void;
}

/** @param mountinfo content of /proc/self/mountinfo */
export function openCgroups(prefix: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): Cgroups {
  const mounts = mountsOf(mountinfo);
  const unified = mounts.find(mount => mount.type === 'cgroup2')?.point;
  const controllers = new Map(mounts.flatMap(mount => mount.controllers.map(name => [name, mount.point] as const)));
  const v2 = controllers.size === 0;
  const hierarchies = [...new Set(mounts.map(mount => mount.point))];
  const pointOf = (controller: string) => (v2 ? unified : controllers.get(controller));
  // Whichever hierarchy we look at must be one in which guests cannot move themselves elsewhere: not systemd's.
  const main = pointOf('pids') ?? pointOf('freezer') ?? hierarchies[0] ?? '/sys/fs/cgroup';
  const top = join(main, prefix);

  return {
    v2,
    prefix,
    controllers: v2 ? (readCgroup(unified, 'cgroup.controllers') ?? '').split(' ') : [...controllers.keys()],
    hierarchies,
    top,
    payload: (controller, id) => {
      const point = pointOf(controller);
      return point && join(point, prefix, `lxc.payload.${id}`);
    },
    monitors: id => pidsIn(join(top, `lxc.monitor.${id}`)),
    members: id => folders(join(top, `lxc.payload.${id}`)).flatMap(pidsIn),
    ids: () => {
      const found = entries(top).flatMap(
        ({ name }) => /^lxc\.(?:monitor|payload)\.([0-9a-f-]{36})$/.exec(name)?.[1] ?? [],
      );
      return [...new Set(found)];
    },
    clear(id) {
      for (const point of hierarchies) {
        // LXC appends -1, -2... where it finds an old one, so these are ours too.
        const left = entries(join(point, prefix)).filter(({ name }) => idOf(name) === id);
        for (const { name } of left)
          for (const each of folders(join(point, prefix, name)).toReversed()) removeFolder(each);
      }
    },
  };
}

/** The content of a cgroup file without its newline; undefined if it is not there. */
export function readCgroup(folder: string | undefined, file: string): string | undefined {
  if (folder === undefined) return undefined;
  try {
    return readFileSync(join(folder, file), 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/** Throws what the kernel said: EBUSY, EINVAL... */
export function writeCgroup(folder: string, file: string, value: string): void {
  writeFileSync(join(folder, file), value);
}

interface Mount {
  readonly point: string;
  readonly type: string;
  readonly controllers: readonly string[];
}

const CONTROLLERS = ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'freezer', 'blkio', 'devices'];

export function mountsOf(mountinfo: string): readonly Mount[] {
  return mountinfo.split('\n').flatMap(line => {
    const [left, right] = line.split(' - ');
    const point = left?.split(' ')[4];
    const [type, , options] = right?.split(' ') ?? [];
    if (point === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    const controllers = type === 'cgroup' ? (options ?? '').split(',').filter(name => CONTROLLERS.includes(name)) : [];
    return [{ point, type, controllers }];
  });
}

const idOf = (name: string): string | undefined =>
  /^lxc\.(?:monitor|payload)\.([0-9a-f-]{36})(?:-\d+)?$/.exec(name)?.[1];

/** LXC may remove what we look at while we look. */
function entries(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory());
  } catch {
    return [];
  }
}

/** A cgroup and those below it, parents first; nothing if there is none. */
function folders(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return [folder, ...entries(folder).flatMap(entry => folders(join(folder, entry.name)))];
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
}

function pidsIn(folder: string): readonly number[] {
  const text = readCgroup(folder, 'cgroup.procs');
  return text === undefined || text === '' ? [] : text.split('\n').map(Number);
}
