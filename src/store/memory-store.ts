/**
 * The store in memory: for unit tests and the simulator, held to the same contract tests as etcd. Several clients can
 * share the data (`connect`), each with leases of its own, and a client can be cut off from it (`setReachable`), as a
 * process is that was killed or lost its network.
 */
import { AppError, fail } from '../domain/errors.ts';
import { type Clock, systemClock } from '../kit/clock.ts';
import { MemoryData } from './memory-data.ts';
import type { Lease, LeaseId, Store, WatchEvent } from './store.ts';
import { checkKey, checkTransaction, failedGuards } from './transaction.ts';

export interface MemoryStore extends Store {
  /** Another client of the same data. */
  connect(): MemoryStore;
  /** Forgets the history before `revision`: a watch that asks for more is reset. */
  compact(revision: bigint): void;
  /** While unreachable its calls fail, its watches stall, and its leases run out one ttl later. */
  setReachable(reachable: boolean): void;
  /** Watches, of all clients, that wait for a change. */
  readonly watching: number;
}

export function openMemoryStore(clock: Clock = systemClock): MemoryStore {
  return new MemoryClient(new MemoryData(), clock);
}

interface HeldLease {
  readonly ttlMs: number;
  readonly gone: () => void;
  lapse: AbortController | undefined;
}

class MemoryClient implements MemoryStore {
  readonly #data: MemoryData;
  readonly #clock: Clock;
  readonly #leases = new Map<LeaseId, HeldLease>();
  readonly #closed = new AbortController();
  #reachable = true;

  constructor(data: MemoryData, clock: Clock) {
    this.#data = data;
    this.#clock = clock;
  }

  connect = (): MemoryStore => new MemoryClient(this.#data, this.#clock);

  get watching(): number {
    return this.#data.changed.waiting;
  }

  compact(revision: bigint): void {
    this.#data.compact(revision);
  }

  setReachable(reachable: boolean): void {
    this.#reachable = reachable;
    for (const [id, held] of this.#leases) {
      held.lapse?.abort();
      held.lapse = reachable ? undefined : this.#lapse(id, held.ttlMs);
    }
    this.#data.changed.fire();
  }

  async get(key: string) {
    this.#check();
    checkKey(key);
    return this.#data.entries.get(key);
  }

  async list(prefix: string) {
    this.#check();
    return this.#data.snapshot(prefix);
  }

  async commit({ guards, writes }: Parameters<Store['commit']>[0]) {
    checkTransaction({ guards, writes });
    this.#check();
    const failed = failedGuards(guards, key => this.#data.entries.get(key)?.modRevision ?? 0n);
    if (failed.length > 0) return { kind: 'refused', failed, revision: this.#data.revision } as const;
    return { kind: 'committed', revision: this.#data.apply(writes) } as const;
  }

  async *watch(prefix: string, after: bigint, signal: AbortSignal): AsyncIterable<WatchEvent> {
    const end = AbortSignal.any([signal, this.#closed.signal]);
    let delivered = after;
    let state: 'starting' | 'live' | 'stalled' = 'starting';
    while (!end.aborted) {
      const events = this.#reachable ? [...this.#data.since(prefix, delivered)] : [];
      delivered = events.at(-1)?.revision ?? delivered;
      const now = this.#reachable ? 'live' : 'stalled';
      if (events.length === 0 && now !== state)
        events.push({ kind: now === 'live' ? 'progress' : 'stalled', revision: delivered });
      state = now;
      // Nothing can happen between finding no event and waiting, so none is missed.
      if (events.length === 0) await this.#data.changed.next(end);
      for (const event of events) {
        if (end.aborted) return;
        yield event;
      }
    }
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#check();
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    const id = this.#data.grant();
    this.#leases.set(id, { ttlMs: Math.max(2000, Math.ceil(ttlMs / 1000) * 1000), gone: resolve, lapse: undefined });
    return { id, lost, release: async () => this.#end(id) };
  }

  async close(): Promise<void> {
    for (const id of [...this.#leases.keys()]) this.#end(id);
    this.#closed.abort();
  }

  #check(): void {
    if (this.#closed.signal.aborted) fail('cancelled', 'the store is closed');
    if (!this.#reachable) throw new AppError('unavailable', 'the store cannot be reached; try again');
  }

  #lapse(id: LeaseId, ttlMs: number): AbortController {
    const stop = new AbortController();
    this.#clock.sleep(ttlMs, stop.signal).then(
      () => this.#end(id),
      () => {}, // reachable again in time, or released
    );
    return stop;
  }

  #end(id: LeaseId): void {
    const held = this.#leases.get(id);
    if (held === undefined) return;
    this.#leases.delete(id);
    held.lapse?.abort();
    this.#data.revoke(id);
    held.gone();
  }
}
