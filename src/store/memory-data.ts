/**
 * What several in-memory clients share: entries, history and leases under one revision counter. Every method is
 * synchronous, so each is atomic. History is bounded as etcd's is, by compaction.
 */
import { fail } from '../domain/errors.ts';
import { SortedMap } from './sorted-map.ts';
import type { Entry, LeaseId, Snapshot, WatchEvent, Write } from './store.ts';

const HISTORY_LIMIT = 100_000;

type Change = Extract<WatchEvent, { kind: 'put' | 'delete' }>;

export class MemoryData {
  readonly entries = new SortedMap<Entry>();
  readonly changed = new Signal();
  revision = 1n;
  /** `#history[i]` is what the transaction of revision `#oldest + i` changed. */
  #history: (readonly Change[])[] = [];
  #oldest = 2n;
  readonly #leases = new Map<LeaseId, Set<string>>();
  readonly #leaseOf = new Map<string, LeaseId>();
  #nextLease = 1;

  snapshot(prefix: string): Snapshot {
    return { entries: this.entries.values(prefix), revision: this.revision };
  }

  /** Every transaction with a write takes a revision, also when it changes nothing (as in etcd with our marker). */
  apply(writes: readonly Write[]): bigint {
    for (const write of writes) {
      if ('put' in write && write.lease !== undefined && !this.#leases.has(write.lease))
        fail('not-found', `lease ${write.lease} is gone`);
    }
    if (writes.length === 0) return this.revision;
    const revision = this.revision + 1n;
    const changes = writes.flatMap(write => this.#write(write, revision));
    this.revision = revision;
    this.#history.push(changes);
    if (this.#history.length > HISTORY_LIMIT) this.compact(revision - BigInt(HISTORY_LIMIT / 2));
    this.changed.fire();
    return revision;
  }

  /** The events that bring a watcher who has seen `after` up to date. */
  *since(prefix: string, after: bigint): Iterable<WatchEvent> {
    const revision = this.revision;
    if (after + 1n < this.#oldest) {
      yield { kind: 'reset', snapshot: this.snapshot(prefix), revision };
      yield { kind: 'progress', revision };
      return;
    }
    for (const changes of this.#history.slice(Number(after + 1n - this.#oldest))) {
      const seen = changes.filter(change => (change.kind === 'put' ? change.entry.key : change.key).startsWith(prefix));
      yield* seen;
      after++;
      if (seen.length > 0 || prefix === '') yield { kind: 'progress', revision: after };
    }
  }

  compact(revision: bigint): void {
    const forgotten = (revision < this.revision ? revision : this.revision) - this.#oldest;
    if (forgotten <= 0n) return;
    this.#history.splice(0, Number(forgotten));
    this.#oldest += forgotten;
  }

  grant(): LeaseId {
    const id = String(this.#nextLease++);
    this.#leases.set(id, new Set());
    return id;
  }

  /** Deletes the keys bound to the lease, all in one revision. */
  revoke(id: LeaseId): void {
    const keys = this.#leases.get(id);
    this.#leases.delete(id);
    if (keys !== undefined) this.apply([...keys].sort().map(key => ({ delete: key })));
  }

  #write(write: Write, revision: bigint): Change[] {
    const key = 'put' in write ? write.put : write.delete;
    const old = this.entries.get(key);
    this.#bind(key, 'put' in write ? write.lease : undefined);
    if ('put' in write) {
      const createRevision = old?.createRevision ?? revision;
      const entry = { key, value: write.value, createRevision, modRevision: revision };
      this.entries.set(key, entry);
      return [{ kind: 'put', entry, revision }];
    }
    return this.entries.delete(key) ? [{ kind: 'delete', key, revision }] : [];
  }

  /** A key belongs to the lease of its last put, or to none. */
  #bind(key: string, lease: LeaseId | undefined): void {
    const old = this.#leaseOf.get(key);
    if (old !== undefined) this.#leases.get(old)?.delete(key);
    this.#leaseOf.delete(key);
    if (lease === undefined) return;
    this.#leaseOf.set(key, lease);
    this.#leases.get(lease)?.add(key);
  }
}

/** Wakes everyone who waits for the next change. */
class Signal {
  readonly #waiting = new Set<() => void>();

  get waiting(): number {
    return this.#waiting.size;
  }

  fire(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves at the next `fire`, or when `signal` aborts; leaves nothing behind. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
