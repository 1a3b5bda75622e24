/** The Observe call: first everything, then changes as they are seen, and a heartbeat that carries the host's load. */

import { readFileSync } from 'node:fs';
import { freemem, loadavg, totalmem } from 'node:os';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ObservationSchema } from '../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Host } from './host.ts';
import type { Change, Observer, Status } from './observe.ts';

type Observation = MessageInitShape<typeof ObservationSchema>;

const DEFAULT_HEARTBEAT_MS = 2000;
const MIN_HEARTBEAT_MS = 100;

/** Ends when `signal` aborts. A slow reader gets changes merged, never late ones twice. */
export async function* observationsOf(
  host: Host,
  observer: Observer,
  heartbeatMs: number,
  signal: AbortSignal,
): AsyncGenerator<Observation> {
  const period = heartbeatMs > 0 ? Math.max(MIN_HEARTBEAT_MS, heartbeatMs) : DEFAULT_HEARTBEAT_MS;
  let waiting: Change | undefined;
  let wake = () => {};
  const unsubscribe = observer.subscribe(change => {
    waiting = merge(waiting, change);
    wake();
  });
  try {
    yield { full: true, instances: observer.list().map(toMessage), ...(await load(host)) };
    while (!signal.aborted) {
      if (waiting === undefined) await pause(period, signal, release => (wake = release));
      if (signal.aborted) return;
      const change = waiting;
      waiting = undefined;
      if (change) yield { instances: change.instances.map(toMessage), gone: [...change.gone], bootId: bootId() };
      else yield await load(host);
    }
  } finally {
    unsubscribe();
  }
}

export function toMessage(status: Status) {
  return { ...status, generation: BigInt(status.generation), pid: BigInt(status.pid), since: BigInt(status.since) };
}

let boot: string | undefined;
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}

async function load(host: Host): Promise<Observation> {
  return {
    bootId: bootId(),
    memoryUsedBytes: BigInt(totalmem() - freemem()),
    load1: loadavg()[0]!,
    pools: (await host.pools.usage()).map(pool => ({
      ...pool,
      totalBytes: BigInt(pool.totalBytes),
      usedBytes: BigInt(pool.usedBytes),
    })),
  };
}

/** The newer status of an instance replaces the older. */
function merge(before: Change | undefined, now: Change): Change {
  if (before === undefined) return now;
  const newer = new Set([...now.instances.map(({ id }) => id), ...now.gone]);
  return {
    instances: [...before.instances.filter(({ id }) => !newer.has(id)), ...now.instances],
    gone: [...before.gone.filter(id => !newer.has(id)), ...now.gone],
  };
}

function pause(ms: number, signal: AbortSignal, onWake: (release: () => void) => void): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    onWake(done);
  });
}
