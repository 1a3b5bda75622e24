/**
 * What is true of a container now, read from cgroups and /proc: no process is started, and containers that somebody
 * else started or killed look the same. LXC's monitor has exactly one child that is init of a pid namespace: that is
 * the container; anything else it may have (a CRIU at work) is not.
 */
import { readFileSync } from 'node:fs';
import { type Cgroups, readCgroup } from '../cgroups.ts';

export interface Seen {
  readonly state: 'running' | 'frozen' | 'stopped';
  /** Of its init, in the host's numbers; 0 when stopped. */
  readonly pid: number;
  /** LXC's monitor; 0 when there is none. */
  readonly monitor: number;
}

export const STOPPED: Seen = { state: 'stopped', pid: 0, monitor: 0 };

/** A full look: about ten small reads. */
export function look(cgroups: Cgroups, id: string): Seen {
  for (const monitor of cgroups.monitors(id)) {
    const pid = childrenOf(monitor).find(isInit);
    if (pid !== undefined) return { state: isFrozen(cgroups, id) ? 'frozen' : 'running', pid, monitor };
  }
  return { ...STOPPED, monitor: cgroups.monitors(id)[0] ?? 0 };
}

/** A look at one we know: two small reads while nothing changed. */
export function lookAgain(cgroups: Cgroups, id: string, before: Seen): Seen {
  if (before.pid === 0 || !isAlive(before.pid)) return look(cgroups, id);
  const state = isFrozen(cgroups, id) ? 'frozen' : 'running';
  return state === before.state ? before : { ...before, state };
}

/** False for zombies: who reaps LXC's monitor (often pid 1) may take seconds over it. */
export function isAlive(pid: number): boolean {
  const stat = readProc(`${pid}/stat`);
  return stat !== '' && stat[stat.lastIndexOf(')') + 2] !== 'Z';
}

export function isFrozen(cgroups: Cgroups, id: string): boolean {
  return cgroups.v2
    ? /^frozen 1$/m.test(readCgroup(cgroups.payload('freezer', id), 'cgroup.events') ?? '')
    : readCgroup(cgroups.payload('freezer', id), 'freezer.state') === 'FROZEN';
}

export function childrenOf(pid: number): readonly number[] {
  return readProc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** Is it pid 1 of a namespace below ours? */
function isInit(pid: number): boolean {
  const status = readProc(`${pid}/status`);
  const numbers = /^NSpid:\t(.*)$/m.exec(status)?.[1]?.split('\t') ?? [];
  return numbers.length > 1 && numbers.at(-1) === '1' && !/^State:\tZ/m.test(status);
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}
