/**
 * A controller is alive as long as its lease is: the key `controllers/<name>`, and `leader` if it is elected, vanish with
 * it. Each lease is a new incarnation, so that what an earlier one began is taken over even by the same process.
 */
import { randomUUID } from 'node:crypto';
import type { Lease, Store } from '../store/store.ts';
import type { View } from '../store/view.ts';
import { CONTROLLERS, type ControllerRecord, LEADER } from './spaces.ts';

export interface Presence {
  readonly name: string;
  readonly incarnation: string;
  readonly lease: Lease;
}

/** Long enough for a pause of the process or an election in etcd; short enough for users who wait for a dead one's work. */
const LEASE_MS = 5_000;

/** @throws AppError `unavailable` while the store is away. */
export async function register(store: Store, view: View, name: string, address: string): Promise<Presence> {
  const lease = await store.lease(LEASE_MS);
  const record: ControllerRecord = { name, incarnation: randomUUID(), address };
  // Unguarded: an earlier process of this name is dead, or it would hold our data folder.
  const result = await store.commit({ guards: [], writes: [CONTROLLERS.put(CONTROLLERS.key(name), record, lease.id)] });
  await view.reached(result.revision);
  return { name, incarnation: record.incarnation, lease };
}

/**
 * Resolves when this controller is elected: at once if there is no leader, or if the leader was an earlier incarnation of
 * it. @returns the revision of the leader's key, by which a leader guards its writes against a later one.
 * @throws the signal's reason; AppError `not-found` when the lease is gone.
 */
export async function elected(store: Store, view: View, presence: Presence, signal: AbortSignal): Promise<bigint> {
  const key = LEADER.key('reconcilers');
  for (;;) {
    signal.throwIfAborted();
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    const stop = view.onChange(({ changes }) => {
      if (changes.some(change => change.key === key)) resolve();
    });
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const holder = view.get(key);
      if (holder === undefined || holder.value.name === presence.name) {
        const { name, incarnation, lease } = presence;
        const result = await store.commit({
          guards: [{ key, modRevision: holder?.modRevision ?? 0n }],
          writes: [LEADER.put(key, { name, incarnation }, lease.id)],
        });
        await view.reached(result.revision, signal);
        if (result.kind === 'committed') return result.revision;
        continue;
      }
      await changed;
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  }
}
