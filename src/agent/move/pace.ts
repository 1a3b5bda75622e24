/**
 * How fast a host moves instances, learnt from the moves it took part in, and what follows for the next one: pure. A phase
 * takes a time of its own, some for each process, and some for each byte of memory.
 */

/** Milliseconds, and bytes per millisecond. The source knows the first four, the target the others. */
export interface Pace {
  /** Dump of a small container, without its processes' share. */
  readonly dumpMs: number;
  readonly dumpRate: number;
  /** Dump when memory stays where it is: CRIU looks at every page all the same. */
  readonly lazyDumpRate: number;
  readonly sendRate: number;
  readonly restoreMs: number;
  readonly restoreRate: number;
  /** From restored to running. */
  readonly resumeMs: number;
  /** Of memory that follows later. */
  readonly pullRate: number;
}

/** Measured on two cores at 2.5 GHz (docs/performance.md); an ordinary host is faster and learns it with its first moves. */
export const FIRST_PACE: Pace = {
  dumpMs: 45,
  dumpRate: 1_600_000,
  lazyDumpRate: 10_000_000,
  sendRate: 500_000,
  restoreMs: 40,
  restoreRate: 1_600_000,
  resumeMs: 15,
  pullRate: 120_000,
};

/** More of a container than its init: measured with a systemd Debian of 15 processes. */
const PER_PROCESS_MS = 4;
/** The pivot: a transaction in etcd, and two calls. */
const SWITCH_MS = 25;
/** Checks, arming and cleaning up, outside of the pause. */
const AROUND_MS = 700;

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

export function learn(pace: Pace, { phase, ms, memoryBytes, processes }: Sample): Pace {
  const forProcesses = processes * PER_PROCESS_MS;
  const base = (key: 'dumpMs' | 'restoreMs' | 'resumeMs', rest: number): Pace => ({
    ...pace,
    [key]: mix(pace[key], rest),
  });
  const rate = (key: 'dumpRate' | 'lazyDumpRate' | 'sendRate' | 'restoreRate' | 'pullRate', rest: number): Pace =>
    memoryBytes < SMALL_BYTES || rest <= 0 ? pace : { ...pace, [key]: mix(pace[key], memoryBytes / rest) };
  switch (phase) {
    case 'dump':
      return memoryBytes < SMALL_BYTES
        ? base('dumpMs', ms - forProcesses - memoryBytes / pace.dumpRate)
        : rate('dumpRate', ms - forProcesses - pace.dumpMs);
    case 'lazy-dump':
      return rate('lazyDumpRate', ms - forProcesses - pace.dumpMs);
    case 'restore':
      return memoryBytes < SMALL_BYTES
        ? base('restoreMs', ms - forProcesses - memoryBytes / pace.restoreRate)
        : rate('restoreRate', ms - forProcesses - pace.restoreMs);
    case 'lazy-restore':
      return base('restoreMs', ms - forProcesses);
    case 'resume':
      return base('resumeMs', ms);
    case 'send':
      return rate('sendRate', ms);
    case 'pull':
      return rate('pullRate', ms);
  }
}

const mix = (known: number, seen: number): number => (1 - WEIGHT) * known + WEIGHT * Math.max(1, seen);

export interface Prediction {
  readonly pauseMs: number;
  readonly totalMs: number;
}

/** What memory adds to the pause of a stop-and-copy. */
export const transferMs = ({ memoryBytes }: Load, from: Pace, to: Pace): number =>
  memoryBytes * (1 / from.dumpRate + 1 / from.sendRate + 1 / to.restoreRate);

/** @param diskBytes of the volume, all of which has to travel before the pause */
export function predict(
  mode: 'stop-and-copy' | 'post-copy',
  load: Load & { readonly diskBytes: number },
  from: Pace,
  to: Pace,
): Prediction {
  const fixed = from.dumpMs + to.restoreMs + to.resumeMs + SWITCH_MS + 2 * PER_PROCESS_MS * load.processes;
  const around = AROUND_MS + load.diskBytes / from.sendRate;
  if (mode === 'stop-and-copy') {
    const pauseMs = fixed + transferMs(load, from, to);
    return { pauseMs, totalMs: around + pauseMs };
  }
  const pauseMs = fixed + load.memoryBytes / from.lazyDumpRate;
  return { pauseMs, totalMs: around + pauseMs + load.memoryBytes / to.pullRate };
}
