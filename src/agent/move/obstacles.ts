/**
 * Why an instance cannot move while it runs, said before anything is touched: pure. Each rule knows one reason and what
 * a person can do about it; together they are what CRIU was seen to refuse, and what a move would silently lose.
 */
import { formatBytes } from '../../domain/size.ts';
import { type Inside, PART_ONLY, type Process } from './inside.ts';

/** `warn`: it moves, but. `restart`: not while it runs. `no`: not to this host at all. */
type Severity = 'warn' | 'restart' | 'no';

export interface Obstacle {
  readonly what: string;
  readonly advice: string;
  readonly severity: Severity;
}

/** What either host is, as far as processes that wake up there notice. */
export interface End {
  readonly node: string;
  readonly architecture: string;
  readonly kernel: string;
  readonly cgroupV2: boolean;
  readonly cpuFlags: readonly string[];
  readonly criu: { readonly works: boolean; readonly reason: string };
  readonly idMap: string;
  readonly lxcfs: boolean;
}

export interface Case {
  readonly from: End;
  readonly to: End;
  /** Undefined: it is stopped, so that only its volume travels. */
  readonly inside: Inside | undefined;
  readonly frozen: boolean;
  /** Exec sessions may be ended by the move. */
  readonly detach: boolean;
  /** Custom volumes among its devices, and folders of the host. */
  readonly volumes: readonly string[];
  readonly hostPaths: readonly string[];
  /** Names and addresses of the NICs that the cluster gave it. */
  readonly nics: readonly { readonly name: string; readonly kind?: string; readonly addresses: readonly string[] }[];
  /** Memory free for images on this host. */
  readonly roomBytes: number;
}

export function obstaclesOf(move: Case): readonly Obstacle[] {
  const { inside } = move;
  const always = [...pathRules(move), ...hostRules(move)];
  if (inside === undefined) return always;
  return [
    ...always,
    ...liveHostRules(move),
    ...processRules(inside, move.detach),
    ...mountRules(inside),
    ...networkRules(move, inside),
    ...roomRules(move, inside),
  ];
}

/** The worst that stands in the way: `live` when nothing does. */
export function verdictOf(obstacles: readonly Obstacle[]): 'live' | 'restart' | 'no' {
  if (obstacles.some(({ severity }) => severity === 'no')) return 'no';
  return obstacles.some(({ severity }) => severity === 'restart') ? 'restart' : 'live';
}

function hostRules({ from, to }: Case): readonly Obstacle[] {
  if (from.architecture === to.architecture) return [];
  return [
    no(`${to.node} is ${to.architecture}, the instance ${from.architecture}`, 'choose a host of its architecture'),
  ];
}

function pathRules({ volumes, hostPaths }: Case): readonly Obstacle[] {
  return [
    ...volumes.map(name => no(`the custom volume "${name}" is attached`, 'detach it: custom volumes do not move yet')),
    ...hostPaths.map(path => warn(`it uses ${path} of its host`, 'make sure that the target has the same there')),
  ];
}

function liveHostRules({ from, to, frozen }: Case): readonly Obstacle[] {
  const lacking = from.cpuFlags.filter(flag => !to.cpuFlags.includes(flag));
  return [
    ...[from, to]
      .filter(({ criu }) => !criu.works)
      .map(({ node, criu }) => restart(`CRIU does not work on ${node}: ${criu.reason}`, 'run the host set-up there')),
    ...(from.cgroupV2 === to.cgroupV2
      ? []
      : [restart(`${from.node} and ${to.node} use different versions of cgroups`, 'boot both hosts alike')]),
    ...(from.idMap === to.idMap
      ? []
      : [restart(`${to.node} maps ids differently (${to.idMap}, not ${from.idMap})`, 'set the same idmap on both')]),
    ...(from.lxcfs === to.lxcfs ? [] : [restart('lxcfs runs on one of the two hosts only', 'run it on both')]),
    ...(lacking.length === 0
      ? []
      : [restart(`the CPU of ${to.node} lacks ${lacking.slice(0, 5).join(', ')}`, 'choose a host with the same CPU')]),
    ...(majorOf(from.kernel) === majorOf(to.kernel)
      ? []
      : [warn(`the kernels differ: ${from.kernel}, ${to.kernel}`, 'an older kernel may lack what processes use')]),
    ...(frozen ? [restart('it is paused', 'start it again first')] : []),
  ];
}

const majorOf = (kernel: string): string => kernel.split('.').slice(0, 2).join('.');

function processRules(inside: Inside, detach: boolean): readonly Obstacle[] {
  const ours = descendants(inside);
  const guests = inside.processes.filter(({ pid }) => ours.has(pid));
  return [
    ...inside.processes
      .filter(process => !ours.has(process.pid) && !inside.processes.some(({ pid }) => pid === process.parent))
      .map(process => sessionRule(process, detach)),
    ...guests
      .filter(({ foreignSession }) => foreignSession)
      .map(process =>
        restart(`${named(process)} was left behind by an exec session`, 'end it, or start it with setsid'),
      ),
    ...guests
      .filter(({ ownNamespaces }) => ownNamespaces.length > 0)
      .map(process =>
        restart(`${named(process)} has ${process.ownNamespaces.join(', ')} namespaces of its own`, UNSHARE),
      ),
    ...guests.flatMap(process => fileRule(process)),
  ];
}

/** One end of it is on this host, and stays there. */
function sessionRule(process: Process, detach: boolean): Obstacle {
  const what = `${named(process)} belongs to an exec session`;
  return detach
    ? warn(what, 'the session will be ended; daemons that it started go on')
    : restart(what, 'end the session, or let the move end it: --detach');
}

const UNSHARE = 'stop it, or see docs/systemd.md if it is a service; nested containers cannot move';

/** The first file of a process that is in the way: more would only repeat. */
function fileRule(process: Process): readonly Obstacle[] {
  for (const { target, foreign } of process.files) {
    const kind = UNSAVABLE.find(({ pattern }) => pattern.test(target));
    // CRIU (4.2 and before) wants the program that holds the terminal's other end to be the same.
    if (target === '/dev/tty')
      return [restart(`${named(process)} has its terminal open as /dev/tty`, `end it, or ${ANYWAY}`)];
    if (kind) return [restart(`${named(process)} uses ${kind.what}, which cannot be saved`, `stop it, or ${ANYWAY}`)];
    if (foreign)
      return [
        restart(
          `${named(process)} has ${target} of the host open`,
          /^\/dev\/pts\//.test(target) ? NO_TERMINAL : 'restart it from inside',
        ),
      ];
  }
  return [];
}

/** A terminal of an exec session, whose other end was on this host. */
const NO_TERMINAL =
  'restart it with `setsid COMMAND </dev/null >FILE 2>&1 &`, or by `berth exec NAME -- sh -c "COMMAND &"`';
const ANYWAY = 'move with a restart';

const UNSAVABLE = [
  { pattern: /^anon_inode:bpf-/, what: 'BPF programs or maps' },
  { pattern: /^anon_inode:\[io_uring\]/, what: 'io_uring' },
  { pattern: /^anon_inode:\[perf_event\]/, what: 'performance counters' },
  { pattern: /^anon_inode:\[fscontext\]|^anon_inode:\[landlock/, what: 'a kernel object' },
  { pattern: /^anon_inode:\[userfaultfd\]/, what: 'userfaultfd' },
  { pattern: /^anon_inode:kvm-|^\/dev\/kvm$/, what: 'KVM' },
  { pattern: /^\/dev\/fuse$/, what: 'FUSE' },
  { pattern: /^\/proc\/pressure\/|\.pressure$/, what: 'a watch of memory, CPU or I/O pressure' },
] as const;

/** Init and everything that comes from it; exec sessions are not. */
function descendants({ init, processes }: Inside): ReadonlySet<number> {
  const found = new Set([init]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  return found;
}

/** lxcfs is a FUSE too, but laid in from outside, and laid in again over there. */
const UNSAVABLE_MOUNTS =
  /^(a socket|a part of a file system|ramfs|autofs|nfs4?|cifs|9p|fuse(?!\.lxcfs$|ctl$)(\..*)?|squashfs)$/;

function mountRules({ mounts }: Inside): readonly Obstacle[] {
  return mounts
    .filter(({ type }) => UNSAVABLE_MOUNTS.test(type))
    .map(({ point, type }) => restart(`${type} is mounted at ${point}`, `${remedyFor(point, type)}, or ${ANYWAY}`));
}

/** systemd 257 and later give a service with DynamicUser= parts of one tmpfs for its temporary files. */
const remedyFor = (point: string, type: string): string =>
  type === PART_ONLY && /^\/(var\/)?tmp$/.test(point)
    ? 'give the service with DynamicUser=yes a drop-in with PrivateTmp=yes'
    : 'unmount it';

/** The network namespace is made anew: what the cluster gave comes back, what was added inside does not. */
function networkRules({ nics }: Case, { links, addresses, firewall }: Inside): readonly Obstacle[] {
  const given = nics.flatMap(nic => nic.addresses);
  return [
    ...nics
      .filter(({ kind = 'bridged' }) => kind !== 'bridged')
      .map(({ name, kind }) => restart(`its card ${name} is of nictype ${kind}`, `use a bridged one, or ${ANYWAY}`)),
    ...links
      .filter(name => name !== 'lo' && !FALLBACK_LINKS.includes(name) && !nics.some(nic => nic.name === name))
      .map(name => restart(`the network interface ${name} was made inside`, `remove it, or ${ANYWAY}`)),
    ...addresses
      .filter(address => !given.includes(address))
      .map(address => restart(`the address ${address} was set inside`, `let the cluster give it, or ${ANYWAY}`)),
    ...(firewall ? [restart('it has firewall rules of its own', `flush them, or ${ANYWAY}`)] : []),
  ];
}

/** The kernel makes these in every new network namespace, if the module is loaded. */
const FALLBACK_LINKS = ['tunl0', 'gre0', 'gretap0', 'erspan0', 'sit0', 'ip6tnl0', 'ip6gre0', 'ip_vti0', 'ip6_vti0'];

function roomRules({ roomBytes }: Case, { memoryBytes }: Inside): readonly Obstacle[] {
  if (memoryBytes <= roomBytes) return [];
  const what = `its ${formatBytes(memoryBytes)} of memory do not fit a second time (${formatBytes(roomBytes)} are free)`;
  return [restart(what, `free memory on its host, or ${ANYWAY}`)];
}

const named = ({ name, pid }: Process): string => `process ${name} (${pid})`;
const warn = (what: string, advice: string): Obstacle => ({ what, advice, severity: 'warn' });
const restart = (what: string, advice: string): Obstacle => ({ what, advice, severity: 'restart' });
const no = (what: string, advice: string): Obstacle => ({ what, advice, severity: 'no' });
