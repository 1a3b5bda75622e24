/**
 * How fast a host moves instances, learnt from the moves it took part in, and what follows for the next one: pure. A phase
 * takes a time of its own, some for each process, and some for each byte of memory.
 */
import type { LiveMode } from '../../domain/move-mode.ts';

/** Milliseconds, and bytes per millisecond. The source knows what it dumps and sends, the target the others. */
export interface Pace {
  /** Dump of a small container, without its processes' share. */
  readonly dumpMs: number;
  /** Of each process: CRIU walks through its files, and through its cgroups. */
  readonly dumpProcessMs: number;
  readonly dumpRate: number;
  /** Dump when memory stays where it is: CRIU looks at every page all the same. */
  readonly lazyDumpRate: number;
  /** Over the wire, with TLS. */
  readonly sendRate: number;
  readonly restoreMs: number;
  /** The same when memory follows later. */
  readonly lazyRestoreMs: number;
  readonly restoreProcessMs: number;
  readonly restoreRate: number;
  /** From the word to let it run until it does. */
  readonly resumeMs: number;
  /** Of memory that follows later. */
  readonly pullRate: number;
}

/** Measured on two cores at 2.5 GHz (docs/performance.md); an ordinary host is faster and learns it with its first moves. */
export const FIRST_PACE: Pace = {
  dumpMs: 45,
  dumpProcessMs: 15,
  dumpRate: 1_600_000,
  lazyDumpRate: 10_000_000,
  sendRate: 500_000,
  restoreMs: 40,
  lazyRestoreMs: 65,
  restoreProcessMs: 8,
  restoreRate: 1_600_000,
  resumeMs: 15,
  pullRate: 120_000,
};

/** The pivot: a transaction in etcd, and two calls. */
const SWITCH_MS = 20;
/** Checks, arming and cleaning up, outside of the pause. */
const AROUND_MS = 500;

export interface Load {
  readonly memoryBytes: number;
  readonly processes: number;
}

/** What one phase of one move took. `rate`: the phase's bytes per millisecond in a `Pace`. */
export interface Sample extends Load {
  readonly phase: 'dump' | 'lazy-dump' | 'send' | 'restore' | 'lazy-restore' | 'resume' | 'pull';
  readonly ms: number;
}

/** How much of what is known a new sample replaces. */
const WEIGHT = 0.3;
/** Below, a phase tells what it takes by itself; above, what a byte takes. */
const SMALL_BYTES = 16 * 2 ** 20;
/** From so many on, the processes are what takes the time, and tell what one of them takes. */
const MANY_PROCESSES = 4;

export function learn(pace: Pace, { phase, ms, memoryBytes, processes }: Sample): Pace {
  const set = (key: keyof Pace, seen: number, least: number): Pace => ({ ...pace, [key]: mix(pace[key], seen, least) });
  const small = memoryBytes < SMALL_BYTES;
  /** A time of its own, or of each process. */
  const fixed = (
    base: 'dumpMs' | 'restoreMs' | 'lazyRestoreMs',
    each: 'dumpProcessMs' | 'restoreProcessMs',
    rest: number,
  ) =>
    processes < MANY_PROCESSES
      ? set(base, rest - processes * pace[each], 1)
      : set(each, (rest - pace[base]) / processes, 0.1);
  const rate = (key: 'dumpRate' | 'lazyDumpRate' | 'sendRate' | 'restoreRate' | 'pullRate', rest: number): Pace =>
    small || rest <= 0 ? pace : set(key, memoryBytes / rest, 1);
  const dumping = pace.dumpMs + processes * pace.dumpProcessMs;
  const restoring = pace.restoreMs + processes * pace.restoreProcessMs;
  switch (phase) {
    case 'dump':
      return small
        ? fixed('dumpMs', 'dumpProcessMs', ms - memoryBytes / pace.dumpRate)
        : rate('dumpRate', ms - dumping);
    case 'lazy-dump':
      return rate('lazyDumpRate', ms - dumping);
    case 'restore':
      return small
        ? fixed('restoreMs', 'restoreProcessMs', ms - memoryBytes / pace.restoreRate)
        : rate('restoreRate', ms - restoring);
    case 'lazy-restore':
      return fixed('lazyRestoreMs', 'restoreProcessMs', ms);
    case 'resume':
      return set('resumeMs', ms, 1);
    case 'send': // what was left to be sent when the dump was over
      return rate('sendRate', ms + memoryBytes / pace.dumpRate);
    case 'pull':
      return rate('pullRate', ms);
  }
}

const mix = (known: number, seen: number, least: number): number =>
  (1 - WEIGHT) * known + WEIGHT * Math.max(least, seen);

export interface Prediction {
  readonly pauseMs: number;
  readonly totalMs: number;
}

/** What memory adds to the pause of a stop-and-copy: it is sent while it is still being dumped. */
export const transferMs = ({ memoryBytes }: Load, from: Pace, to: Pace): number =>
  memoryBytes / Math.min(from.dumpRate, from.sendRate) + memoryBytes / to.restoreRate;

/** Of a pre-copy, what is left for the pause: how fast it writes shows in its rounds only. */
const REST_SHARE = 1 / 8;

/** @param diskBytes of the volume, all of which has to travel before the pause */
export function predict(mode: LiveMode, load: Load & { readonly diskBytes: number }, from: Pace, to: Pace): Prediction {
  const { memoryBytes, processes, diskBytes } = load;
  const fixed = from.dumpMs + to.resumeMs + SWITCH_MS + processes * (from.dumpProcessMs + to.restoreProcessMs);
  const around = AROUND_MS + diskBytes / from.sendRate;
  if (mode === 'stop-and-copy') {
    const pauseMs = fixed + to.restoreMs + transferMs(load, from, to);
    return { pauseMs, totalMs: around + pauseMs };
  }
  const lookMs = memoryBytes / from.lazyDumpRate;
  if (mode === 'pre-copy') {
    const rest = { processes, memoryBytes: memoryBytes * REST_SHARE };
    const restoreMs = to.restoreMs + (memoryBytes - rest.memoryBytes) / to.restoreRate; // all, when the last is there
    const pauseMs = fixed + lookMs + restoreMs + transferMs(rest, from, to);
    return { pauseMs, totalMs: around + pauseMs + memoryBytes * (1 / from.dumpRate + 1 / from.sendRate) };
  }
  const pauseMs = fixed + lookMs + to.lazyRestoreMs;
  return { pauseMs, totalMs: around + pauseMs + memoryBytes / to.pullRate };
}
