/**
 * What can be seen of a running container from outside, as far as a live move cares. Reading only: /proc and cgroups,
 * and one listing of its firewall. The container does not notice.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { type Cgroups, readCgroup } from '../cgroups.ts';
import { run } from '../command.ts';
import { addressesIn, countersIn } from '../nic/proc-net.ts';

/** Namespaces that may differ from init's without CRIU minding: mount namespaces nest, a cgroup one is init's own. */
const NAMESPACES = ['uts', 'ipc', 'user', 'pid', 'net', 'time'] as const;

export interface Process {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  /** The session it belongs to was begun outside of the container. */
  readonly foreignSession: boolean;
  /** Kinds of namespaces it has of its own. */
  readonly ownNamespaces: readonly string[];
  readonly files: readonly OpenFile[];
}

interface OpenFile {
  /** As /proc shows it: a path, `socket:[1]`, `anon_inode:[eventpoll]`, ... */
  readonly target: string;
  /** It lies on a mount that neither the container's init nor the process itself has. */
  readonly foreign: boolean;
}

interface Mount {
  readonly point: string;
  readonly type: string;
}

export interface Inside {
  readonly init: number;
  readonly processes: readonly Process[];
  /** Of init and of services that have some of their own, each once; see `mountsThatCount`. */
  readonly mounts: readonly Mount[];
  /** Names of its network interfaces. */
  readonly links: readonly string[];
  /** Lasting ones only: what the kernel derives or a router hands out comes back by itself. */
  readonly addresses: readonly string[];
  readonly firewall: boolean;
  /** What has to travel. */
  readonly memoryBytes: number;
}

export async function lookInside(cgroups: Cgroups, id: string, init: number): Promise<Inside> {
  const members = cgroups.members(id);
  const views = viewsOf([init, ...members]);
  const processes: Process[] = [];
  for (const pid of members) {
    // A service with mounts of its own was given standard input and output by init, on init's mounts.
    const process = processOf(
      pid,
      init,
      [init, pid].flatMap(each => views.get(viewOf(each)) ?? []),
    );
    if (process !== undefined) processes.push(process);
    await breathe(); // thousands of files may be open: let other verbs in between
  }
  const net = (file: string) => textOf(`${init}/net/${file}`);
  const addresses = addressesIn({ fibTrie: net('fib_trie'), route: net('route'), ifInet6: lasting(net('if_inet6')) });
  return {
    init,
    processes,
    mounts: mountsThatCount([...views.values()]),
    links: countersIn(net('dev')).map(({ name }) => name),
    addresses: addresses.filter(({ name, scope }) => name !== 'lo' && scope === 'global').map(({ address }) => address),
    firewall: await hasFirewall(init),
    memoryBytes: memoryBytes(cgroups, id),
  };
}

/** Undefined: it ended meanwhile. */
function processOf(pid: number, init: number, views: readonly View[]): Process | undefined {
  const status = textOf(`${pid}/status`);
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  if (status === '' || field('State').startsWith('Z')) return undefined;
  return {
    pid,
    name: field('Name'),
    parent: Number(field('PPid')),
    foreignSession: field('NSsid').split(/\s+/).at(-1) === '0',
    ownNamespaces: NAMESPACES.filter(kind => differ(linkOf(`${pid}/ns/${kind}`), linkOf(`${init}/ns/${kind}`))),
    files: filesOf(pid, views),
  };
}

function filesOf(pid: number, views: readonly View[]): readonly OpenFile[] {
  return namesIn(`${pid}/fd`).map(number => {
    const target = linkOf(`${pid}/fd/${number}`);
    // Pipes, sockets and the like, memfds and shared anonymous memory lie on mounts of the kernel's own. A terminal is
    // deleted when its session has ended, and is in the way all the same.
    const deleted = target.endsWith(' (deleted)') && !target.startsWith('/dev/pts/');
    const onMount = target.startsWith('/') && !target.startsWith('/memfd:') && !deleted;
    const mount = onMount ? /^mnt_id:\s*(\d+)$/m.exec(textOf(`${pid}/fdinfo/${number}`))?.[1] : undefined;
    return { target, foreign: mount !== undefined && !views.some(({ mounts }) => mounts.has(mount)) };
  });
}

interface SeenMount extends Mount {
  readonly number: string;
  /** Of its file system: `major:minor`. */
  readonly device: string;
  /** What of it is mounted. */
  readonly root: string;
}

/** A mount namespace. */
interface View {
  /** One of the processes that see it whole; others may be in a chroot. */
  readonly pid: number;
  readonly mounts: ReadonlyMap<string, SeenMount>;
}

const viewOf = (pid: number): string => linkOf(`${pid}/ns/mnt`);

function viewsOf(pids: readonly number[]): ReadonlyMap<string, View> {
  const views = new Map<string, View>();
  for (const pid of pids) {
    const mounts = new Map(mountsIn(textOf(`${pid}/mountinfo`)).map(mount => [mount.number, mount]));
    if (mounts.size > (views.get(viewOf(pid))?.mounts.size ?? 0)) views.set(viewOf(pid), { pid, mounts });
  }
  return views;
}

/**
 * A ramfs counts if it holds files: an empty one is made anew, see `criu/options.ts`. A socket that is mounted somewhere
 * counts as such, whatever it lies on: when mounts are restored there are no sockets yet.
 */
function mountsThatCount(views: readonly View[]): readonly Mount[] {
  const found = new Map<string, Mount>();
  const whole = wholeDevices(views);
  for (const { pid, mounts } of views) {
    for (const { point, type, device } of mounts.values()) {
      const path = `${pid}/root${point}`;
      if (type === 'ramfs' && namesIn(path).length === 0) continue;
      const socket = HOLDS_SOCKETS.test(type) && isSocket(path);
      const seen = socket ? 'a socket' : whole.has(device) ? (found.get(point)?.type ?? type) : PART_ONLY;
      found.set(point, { point, type: seen });
    }
  }
  return [...found.values()];
}

/** Type of a mount whose file system is mounted nowhere as a whole: CRIU cannot make such a one anew. */
export const PART_ONLY = 'a part of a file system';

/** What init sees came with the container, or is its own. */
function wholeDevices([inits, ...others]: readonly View[]): ReadonlySet<string> {
  const whole = others.flatMap(({ mounts }) => [...mounts.values()].filter(({ root }) => root === '/'));
  return new Set([...(inits?.mounts.values() ?? []), ...whole].map(({ device }) => device));
}

/** Others are not touched: what is on a network may never answer. */
const HOLDS_SOCKETS = /^(tmpfs|ext4|xfs|btrfs|zfs|overlay)$/;

function mountsIn(mountinfo: string): readonly SeenMount[] {
  return mountinfo.split('\n').flatMap(line => {
    const [left = '', right] = line.split(' - ');
    const [number = '', , device = '', root = '', point = ''] = left.split(' ');
    const type = right?.split(' ')[0] ?? '';
    return right === undefined ? [] : [{ number, device, root, point: unescaped(point), type }];
  });
}

/** The kernel writes white space and backslashes in octal. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** IFA_F_PERMANENT: not handed out by a router for a while. */
const PERMANENT = 0x80;

/** Lines of if_inet6: address, interface number, prefix, scope, flags (all hexadecimal), name. */
function lasting(ifInet6: string): string {
  const isLasting = (line: string) => (Number.parseInt(line.split(/\s+/)[4] ?? '', 16) & PERMANENT) !== 0;
  return ifInet6.split('\n').filter(isLasting).join('\n');
}

async function hasFirewall(init: number): Promise<boolean> {
  if (textOf(`${init}/net/ip_tables_names`) !== '' || textOf(`${init}/net/ip6_tables_names`) !== '') return true;
  const args = ['-t', `${init}`, '-n', 'nft', 'list', 'ruleset'];
  const { stdout } = await run('nsenter', args, { timeoutMs: 5000, allowFailure: true });
  return stdout.trim() !== '';
}

/** Anonymous and shared memory; caches stay behind. */
export function memoryBytes(cgroups: Cgroups, id: string): number {
  const stat = readCgroup(cgroups.payload('memory', id), 'memory.stat') ?? '';
  const field = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return cgroups.v2 ? field('anon') + field('shmem') : field('total_rss') + field('total_shmem');
}

function textOf(path: string): string {
  try {
    return readFileSync(join('/proc', path), 'utf8');
  } catch {
    return '';
  }
}

/** A process that has just ended shows no namespaces: it is in nobody's way. */
function differ(own: string, inits: string): boolean {
  return own !== '' && inits !== '' && own !== inits;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(join('/proc', path));
  } catch {
    return '';
  }
}

function isSocket(path: string): boolean {
  try {
    return statSync(join('/proc', path)).isSocket();
  } catch {
    return false;
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(join('/proc', path));
  } catch {
    return [];
  }
}
