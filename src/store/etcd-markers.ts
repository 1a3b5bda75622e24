/**
 * Marker keys: each transaction also writes one, guarded by the marker's revision, so that when an answer is lost the
 * marker tells whether the transaction happened, and writing the marker once more makes sure that it never will.
 * A marker serves one transaction at a time. All of a process's markers hang on one lease, which outlives any lookup.
 */
import type { Budget, Cluster } from './etcd-cluster.ts';
import type { Codec } from './etcd-codec.ts';
import { grantLease } from './etcd-lease.ts';
import type { Lease } from './store.ts';
import { RESERVED } from './transaction.ts';

/** Ten minutes after a crash its markers are gone; a lookup takes seconds. */
const MARKER_TTL_MS = 600_000;
/** Transactions in flight at once; more wait. etcd on two cores is saturated at fewer. */
const MAX_MARKERS = 64;

const MARKER_PREFIX = `${RESERVED}markers/`;

export interface Marker {
  readonly key: string;
  readonly session: Lease;
  /** The revision at which the marker was last written; never repeats. */
  modRevision: bigint;
}

export class Markers {
  readonly #cluster: Cluster;
  readonly #codec: Codec;
  readonly #free: Marker[] = [];
  readonly #waiting: (() => void)[] = [];
  #used = 0;
  #session: Promise<Lease> | undefined;
  /** What `#session` resolved to. */
  #current: Lease | undefined;
  #next = 0;

  constructor(cluster: Cluster, codec: Codec) {
    this.#cluster = cluster;
    this.#codec = codec;
  }

  /** Give it back by exactly one of `release`, `abandon` and `lost`. */
  async acquire(budget: Budget): Promise<Marker> {
    while (this.#used >= MAX_MARKERS) await new Promise<void>(resolve => this.#waiting.push(resolve));
    this.#used++;
    try {
      return this.#free.pop() ?? (await this.#create(budget));
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** For one whose `modRevision` is known for sure. */
  release(marker: Marker): void {
    if (marker.session === this.#current) this.#free.push(marker);
    this.#leave();
  }

  /** For one whose state is not known: its key goes with the lease. */
  abandon(): void {
    this.#leave();
  }

  /** For one found gone: then all of its session are. */
  lost({ session }: Marker): void {
    this.#leave();
    if (this.#current === session) this.#forgetSession();
    session.release().catch(() => {}); // it ends by itself too
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    await session?.release();
  }

  #leave(): void {
    this.#used--;
    this.#waiting.shift()?.();
  }

  /** A key never used before, for each attempt another: a late duplicate can then harm nobody. */
  async #create(budget: Budget): Promise<Marker> {
    for (;;) {
      const session = await this.#openSession();
      const key = `${MARKER_PREFIX}${session.id}/${this.#next++}`;
      const attempt = await this.#cluster.attempt(
        'txn',
        {
          compare: [this.#codec.compare({ key, exists: false })],
          success: [this.#codec.write({ put: key, value: '', lease: session.id })],
        },
        budget.attemptMs,
      );
      if (attempt.kind === 'answered' && attempt.response.succeeded)
        return { key, session, modRevision: BigInt(attempt.response.header.revision) };
      if (attempt.kind === 'final') {
        if (attempt.error.code !== 'not-found') throw attempt.error;
        this.#forgetSession(); // the lease is gone
      }
      await budget.pause('cause' in attempt ? attempt.cause : attempt);
    }
  }

  async #openSession(): Promise<Lease> {
    this.#session ??= this.#grant();
    return this.#session;
  }

  async #grant(): Promise<Lease> {
    try {
      const session = await grantLease(this.#cluster, MARKER_TTL_MS);
      this.#current = session;
      void session.lost.then(() => this.#current === session && this.#forgetSession());
      return session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  #forgetSession(): void {
    this.#session = undefined;
    this.#current = undefined;
    this.#free.length = 0;
  }
}
