/**
 * Processes that outlive us, known by pid and start time (a pid alone is soon somebody else's). Every process of a
 * cluster also carries a mark in its environment, so that one started just before a crash is found again.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { start } from '../../src/agent/command.ts';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, from /proc/PID/stat. */
  readonly startTime: string;
}

export interface DaemonOptions {
  readonly slot: number;
  /** Standard output and error are appended to it. */
  readonly logFile: string;
}

/** As in deploy/systemd: what Node keeps of stripped and compiled sources. */
const COMPILE_CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/berth');

/** Starts `argv` in a session of its own; it lives on when we end. */
export async function startDaemon(argv: readonly string[], options: DaemonOptions): Promise<ProcessId> {
  const log = openSync(options.logFile, 'a');
  const [file, ...args] = argv;
  const running = start(file!, args, {
    env: { [MARK]: String(options.slot), NODE_COMPILE_CACHE: COMPILE_CACHE },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  if (running.pid === -1) await running.exited; // throws why it could not be started
  return processId(running.pid) ?? { pid: running.pid, startTime: 'gone' };
}

/** undefined if no such process runs (a zombie does not run). */
export function processId(pid: number): ProcessId | undefined {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' '); // the name before it may hold anything
  return fields.length < 20 || fields[0] === 'Z' ? undefined : { pid, startTime: fields[19]! };
}

export function isAlive(id: ProcessId): boolean {
  return processId(id.pid)?.startTime === id.startTime;
}

/** Signals that very process; does nothing when it is gone. */
export function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (isAlive(id)) signalPid(id.pid, name);
}

/**
 * Every process that carries the mark of `slot`, or lives in one of these network namespaces, or in the mount namespace of
 * one that does (the subject of an agent's trial dump has a network of its own). Never ourselves.
 */
export function processesOf(slot: number, namespaces: readonly string[]): readonly number[] {
  const mark = `${MARK}=${slot}`;
  const networks = new Set(
    namespaces
      .map(name => `/run/netns/${name}`)
      .filter(existsSync)
      .map(path => `net:[${statSync(path).ino}]`),
  );
  const others = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => pid !== process.pid);
  const ours = others.filter(pid => networks.has(namespaceOf(pid, 'net')) || marked(pid, mark));
  const mounts = new Set(ours.map(pid => namespaceOf(pid, 'mnt')));
  for (const everyones of ['', namespaceOf(1, 'mnt'), namespaceOf(process.pid, 'mnt')]) mounts.delete(everyones);
  return others.filter(pid => ours.includes(pid) || mounts.has(namespaceOf(pid, 'mnt')));
}

/** Signals a pid that was looked up just now. */
export function signalPid(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone in between
  }
}

const MARK = 'BERTH_DEV_SLOT';

function marked(pid: number, mark: string): boolean {
  return read(`/proc/${pid}/environ`).split('\0').includes(mark);
}

function namespaceOf(pid: number, kind: 'net' | 'mnt'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return ''; // gone, or a kernel thread
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
