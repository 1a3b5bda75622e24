/**
 * The store port: a flat, ordered, revisioned key space with guarded transactions, watches and leases. etcd in
 * production, memory in the simulator and unit tests; both pass the same contract tests. Values are JSON text.
 *
 * Errors are `AppError`s: `unavailable` (not done, safe to repeat), `deadline` (a write's outcome could not be found
 * out), `not-found` (a put names a lease that is gone; nothing was written), `conflict` never (a failed guard is an
 * answer, not an error). What breaks the limits of `transaction.ts` is refused as `internal` or `exhausted`.
 */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}

/** A condition on one key. `modRevision: 0n` = the key must not exist. */
export type Guard =
  | { readonly key: string; readonly modRevision: bigint }
  | { readonly key: string; readonly exists: boolean };

export type Write =
  | { readonly put: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly delete: string };

export interface Transaction {
  readonly guards: readonly Guard[];
  readonly writes: readonly Write[];
}

export type CommitResult =
  | { readonly kind: 'committed'; readonly revision: bigint }
  /** Nothing was written; `failed` are the keys whose guard did not hold. */
  | { readonly kind: 'refused'; readonly failed: readonly string[]; readonly revision: bigint };

export interface Snapshot {
  readonly entries: readonly Entry[];
  readonly revision: bigint;
}

export type WatchEvent =
  | { readonly kind: 'put'; readonly entry: Entry; readonly revision: bigint }
  | { readonly kind: 'delete'; readonly key: string; readonly revision: bigint }
  /** History was compacted: forget everything under the prefix and take this instead. */
  | { readonly kind: 'reset'; readonly snapshot: Snapshot; readonly revision: bigint }
  /**
   * Every change up to and including `revision` has been delivered, and the watch is live (again). Follows the last
   * change of each transaction; a watch of everything (prefix '') also gets it for transactions that changed nothing.
   */
  | { readonly kind: 'progress'; readonly revision: bigint }
  /** The store cannot be followed for now: what was delivered may be old until the next event of another kind. */
  | { readonly kind: 'stalled'; readonly revision: bigint };

export type LeaseId = string;

/** A lease that is kept alive until released. When it is lost, keys bound to it are gone. */
export interface Lease {
  readonly id: LeaseId;
  /** Resolves (never rejects) once the lease is known, or must be presumed, to be lost; also after `release()`. */
  readonly lost: Promise<void>;
  release(): Promise<void>;
}

export interface Store {
  get(key: string): Promise<Entry | undefined>;
  /** All keys that start with `prefix`, in key order. */
  list(prefix: string): Promise<Snapshot>;
  /** All or nothing. A write whose outcome is unknown is looked up, never blindly repeated. */
  commit(txn: Transaction): Promise<CommitResult>;
  /**
   * Every change under `prefix` with a revision greater than `after`, in order, none lost and none twice, across
   * reconnects. Ends only when `signal` aborts. All changes of one transaction arrive with the same revision.
   */
  watch(prefix: string, after: bigint, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** @param ttlMs rounded up to whole seconds, at least 2 s (etcd's own granularity). */
  lease(ttlMs: number): Promise<Lease>;
  /** Ends its watches and releases its leases. */
  close(): Promise<void>;
}
