/**
 * A process that can be killed: from then on its calls to the store and to agents are never answered and its timers never
 * go off, as if it had never been there. What it had sent before is done.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, systemClock } from '../../kit/clock.ts';
import type { Lease, Store } from '../../store/store.ts';
import type { Tap } from './fake-world.ts';

export interface Mortal {
  readonly clock: Clock;
  readonly tap: Tap;
  readonly signal: AbortSignal;
  readonly dead: boolean;
  store(store: Store): Store;
  /** Also ends its leases at once: others need not wait for them to run out. */
  kill(): void;
}

/** @param effects called before and after each thing that it does to the world: a commit, a call of an agent. */
export function makeMortal(effects: () => void = () => {}): Mortal {
  const death = new AbortController();
  const leases = new Set<Lease>();
  const never = new Promise<never>(() => {});
  const live = async <T>(work: () => Promise<T>): Promise<T> => {
    await turn(); // as over a network: otherwise all would be done in one turn of the event loop, and no timer go off
    if (death.signal.aborted) return never;
    const result = await work().catch(error => (death.signal.aborted ? never : Promise.reject(error)));
    return death.signal.aborted ? never : result;
  };
  const effect = async <T>(work: () => Promise<T>): Promise<T> => {
    effects();
    return live(async () => {
      const result = await work();
      effects();
      return result;
    });
  };
  return {
    clock: {
      now: systemClock.now,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const end = AbortSignal.any([death.signal, ...(signal ? [signal] : [])]);
          systemClock.sleep(ms, end).then(resolve, error => {
            if (!death.signal.aborted) reject(error);
          });
        }),
    },
    tap: async () => {
      effects();
      if (death.signal.aborted) await never;
    },
    signal: death.signal,
    get dead() {
      return death.signal.aborted;
    },
    store: store => ({
      get: key => live(() => store.get(key)),
      list: prefix => live(() => store.list(prefix)),
      commit: transaction => effect(() => store.commit(transaction)),
      watch: (prefix, after, signal) => store.watch(prefix, after, AbortSignal.any([signal, death.signal])),
      lease: ttlMs =>
        live(async () => {
          const lease = await store.lease(ttlMs);
          leases.add(lease);
          return lease;
        }),
      close: () => store.close(),
    }),
    kill: () => {
      death.abort();
      for (const lease of leases) void lease.release();
    },
  };
}
