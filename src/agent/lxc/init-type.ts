/**
 * How the init of a root wants to be asked to shut down. Read from the tree, never run; links are followed inside the
 * root only, because the tree belongs to the guest.
 */
import { lstat, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';

/** SIGPWR is what sysvinit, OpenRC and most others expect of a host that goes down; LXC's own default. */
const HALT_SIGNAL = { systemd: 'SIGRTMIN+3', busybox: 'SIGUSR1', other: 'SIGPWR' } as const;

/** The name of the signal, as LXC's `lxc.signal.halt` takes it. */
export async function haltSignalOf(rootfs: string): Promise<string> {
  const init = await resolveInside(rootfs, '/sbin/init');
  if (init === undefined) return HALT_SIGNAL.other;
  const name = posix.basename(init);
  if (name === 'systemd') return HALT_SIGNAL.systemd;
  return name.startsWith('busybox') ? HALT_SIGNAL.busybox : HALT_SIGNAL.other;
}

/** The path inside, all links resolved as the guest would; undefined if it is not there or loops. */
export async function resolveInside(rootfs: string, path: string): Promise<string | undefined> {
  let todo = path.split('/').filter(Boolean);
  let done: string[] = [];
  for (let steps = 0; todo.length > 0; steps += 1) {
    if (steps > 100) return undefined;
    const [part, ...rest] = todo as [string, ...string[]];
    todo = rest;
    if (part === '.') continue;
    if (part === '..') {
      done = done.slice(0, -1);
      continue;
    }
    const here = join(rootfs, ...done, part);
    const stat = await lstat(here).catch(() => undefined);
    if (stat === undefined) return undefined;
    if (!stat.isSymbolicLink()) {
      done = [...done, part];
      continue;
    }
    const target = await readlink(here);
    if (target.startsWith('/')) done = [];
    todo = [...target.split('/').filter(Boolean), ...todo];
  }
  return `/${done.join('/')}`;
}

/** Numbers of the signals above. Real-time signals are counted from 34 on Linux with glibc and musl alike. */
export function signalNumber(name: string): number {
  const realTime = /^SIGRTMIN\+(\d+)$/.exec(name);
  if (realTime) return 34 + Number(realTime[1]);
  return name === 'SIGUSR1' ? 10 : 30;
}
