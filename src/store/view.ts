/**
 * An in-memory mirror of part of the store, kept by list + watch: what the API answers reads from. It always shows the
 * state after some whole transaction, never half of one, keeps answering while the store is away, and says so.
 * Values are parsed once, when they arrive.
 */
import { AppError } from '../domain/errors.ts';
import { type Clock, systemClock } from '../kit/clock.ts';
import { decode, type Key, type Keyspace, type Stored } from './keyspace.ts';
import { SortedMap } from './sorted-map.ts';
import type { Entry, Snapshot, Store, WatchEvent } from './store.ts';

/** One key before and after; absent when it did not, or does not, exist. */
export interface Change {
  readonly key: string;
  readonly before: Stored<unknown> | undefined;
  readonly after: Stored<unknown> | undefined;
}

/** What one transaction changed under the view's prefixes, or several after an outage. Never empty. */
export interface ViewChange {
  readonly revision: bigint;
  readonly changes: readonly Change[];
}

export interface View {
  /** Every transaction up to here is visible. */
  readonly revision: bigint;
  /** The store cannot be followed for now; answers may be old. */
  readonly stale: boolean;
  /** Since when (epoch ms, by the view's clock), while stale. */
  readonly staleSinceMs: number | undefined;
  /** Keys whose value is not JSON, which the view therefore leaves out; someone wrote past us. */
  readonly unreadable: ReadonlySet<string>;
  get<T>(key: Key<T>): Stored<T> | undefined;
  /** All of a space, or what is below its given first parts, in key order. */
  list<T, P extends readonly string[]>(space: Keyspace<T, P>, ...parts: readonly string[]): readonly Stored<T>[];
  /** Resolves when the view shows `revision`: wait for your own commit, then read it. Rejects `cancelled` on abort. */
  reached(revision: bigint, signal?: AbortSignal): Promise<void>;
  /** Calls `listener` after each change is visible; returns what stops that. A listener that throws is a bug: it crashes. */
  onChange(listener: (change: ViewChange) => void): () => void;
}

/** Resolves when loaded. Follows until `signal` aborts, and then stays as it is. */
export async function openView(
  store: Store,
  prefixes: readonly string[],
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<View> {
  const view = new Mirror(prefixes, signal, clock);
  const snapshot = await store.list(commonPrefix(prefixes));
  view.load(snapshot);
  // Everything is watched, because only such a watch tells of every revision, which `reached` needs.
  void view.follow(store.watch('', snapshot.revision, signal));
  return view;
}

class Mirror implements View {
  revision = 0n;
  staleSinceMs: number | undefined;
  readonly unreadable = new Set<string>();
  readonly #prefixes: readonly string[];
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #entries = new SortedMap<Stored<unknown>>();
  readonly #listeners = new Set<(change: ViewChange) => void>();
  readonly #waiting = new Set<{ readonly revision: bigint; readonly resolve: () => void }>();

  constructor(prefixes: readonly string[], signal: AbortSignal, clock: Clock) {
    this.#prefixes = prefixes;
    this.#signal = signal;
    this.#clock = clock;
  }

  get stale(): boolean {
    return this.staleSinceMs !== undefined;
  }

  get<T>(key: Key<T>): Stored<T> | undefined {
    return this.#entries.get(key) as Stored<T> | undefined;
  }

  list<T, P extends readonly string[]>(space: Keyspace<T, P>, ...parts: readonly string[]): readonly Stored<T>[] {
    return this.#entries.values(space.under(...parts)) as readonly Stored<T>[];
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reached(revision: bigint, signal: AbortSignal = this.#signal): Promise<void> {
    if (this.revision >= revision) return Promise.resolve();
    const end = AbortSignal.any([this.#signal, signal]);
    return new Promise((resolve, reject) => {
      const waiter = { revision, resolve: () => finish(resolve) };
      const onAbort = () => finish(() => reject(new AppError('cancelled', `stopped waiting for revision ${revision}`)));
      const finish = (settle: () => void) => {
        this.#waiting.delete(waiter);
        end.removeEventListener('abort', onAbort);
        settle();
      };
      if (end.aborted) return onAbort();
      this.#waiting.add(waiter);
      end.addEventListener('abort', onAbort, { once: true });
    });
  }

  load(snapshot: Snapshot): void {
    const wanted = snapshot.entries.filter(entry => this.#wants(entry.key));
    this.#entries.replace(wanted.flatMap(entry => this.#parse(entry) ?? []).map(stored => [stored.key, stored]));
    this.revision = snapshot.revision;
  }

  /** Holds the changes of a transaction back until all of it has come. */
  async follow(events: AsyncIterable<WatchEvent>): Promise<void> {
    let pending = new Map<string, Entry | undefined>();
    for await (const event of events) {
      if (event.kind === 'stalled') {
        this.staleSinceMs ??= this.#clock.now();
        continue;
      }
      this.staleSinceMs = undefined;
      if (event.kind === 'put') pending.set(event.entry.key, event.entry);
      else if (event.kind === 'delete') pending.set(event.key, undefined);
      else if (event.kind === 'reset') pending = this.#difference(event.snapshot);
      else {
        this.#apply(pending, event.revision);
        pending = new Map();
      }
    }
  }

  #apply(pending: ReadonlyMap<string, Entry | undefined>, revision: bigint): void {
    const changes: Change[] = [];
    for (const [key, entry] of pending) {
      if (!this.#wants(key)) continue;
      const before = this.#entries.get(key);
      const after = entry && this.#parse(entry);
      if (after !== undefined) this.#entries.set(key, after);
      else this.#entries.delete(key);
      if (entry === undefined) this.unreadable.delete(key);
      if (before !== undefined || after !== undefined) changes.push({ key, before, after });
    }
    this.revision = revision;
    for (const waiter of [...this.#waiting]) if (waiter.revision <= revision) waiter.resolve();
    if (changes.length > 0) for (const listener of [...this.#listeners]) notify(listener, { revision, changes });
  }

  /** What turns the mirror into `snapshot`, so that listeners need not know of resets. */
  #difference(snapshot: Snapshot): Map<string, Entry | undefined> {
    const pending = new Map<string, Entry | undefined>(this.#entries.keys('').map(key => [key, undefined]));
    for (const entry of snapshot.entries) {
      if (this.#entries.get(entry.key)?.modRevision === entry.modRevision) pending.delete(entry.key);
      else pending.set(entry.key, entry);
    }
    return pending;
  }

  #wants(key: string): boolean {
    return this.#prefixes.some(prefix => key.startsWith(prefix));
  }

  #parse(entry: Entry): Stored<unknown> | undefined {
    this.unreadable.delete(entry.key);
    try {
      return decode(entry);
    } catch {
      this.unreadable.add(entry.key);
      return undefined;
    }
  }
}

/** A bug in a listener must neither stop the view nor go unheard. */
function notify(listener: (change: ViewChange) => void, change: ViewChange): void {
  try {
    listener(change);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function commonPrefix(prefixes: readonly string[]): string {
  let common = prefixes[0] ?? '';
  for (const prefix of prefixes) while (!prefix.startsWith(common)) common = common.slice(0, -1);
  return common;
}
