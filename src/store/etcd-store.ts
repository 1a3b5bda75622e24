/**
 * The store in etcd: puts calls, writer, watch and leases together under one key prefix. Needs etcd 3.4 or later; with
 * three members it survives the loss of one with no error to the caller.
 */
import { fail } from '../domain/errors.ts';
import { type Clock, systemClock } from '../kit/clock.ts';
import { Cluster } from './etcd-cluster.ts';
import { type Codec, codec } from './etcd-codec.ts';
import { Connection, type EtcdAuth, type EtcdTls } from './etcd-connection.ts';
import { isCompacted } from './etcd-failure.ts';
import { grantLease } from './etcd-lease.ts';
import { watchEtcd } from './etcd-watch.ts';
import { Writer } from './etcd-writer.ts';
import type { Entry, Lease, Snapshot, Store, Transaction } from './store.ts';
import { checkKey, RESERVED } from './transaction.ts';

export interface EtcdOptions {
  /** `host:port` or `http(s)://host:port` of each member. */
  readonly endpoints: readonly string[];
  /** What all keys start with in etcd; callers see keys without it. Default `/berth/`. */
  readonly prefix?: string;
  readonly tls?: EtcdTls;
  readonly auth?: EtcdAuth;
  /** What a call may take, with all its repeats, before it is `unavailable`. Default 10 s. */
  readonly budgetMs?: number;
  readonly clock?: Clock;
}

const BUDGET_MS = 10_000;
/** A list comes in pages, so that no answer blocks etcd or this process for long. */
const PAGE_KEYS = 1000;
const PAGE_MS = 4000;

/** Does not connect yet: the first call does. */
export function openEtcdStore(options: EtcdOptions): Store {
  if (options.endpoints.length === 0) fail('invalid', 'etcd: at least one endpoint is needed');
  return new EtcdStore(options);
}

class EtcdStore implements Store {
  readonly #cluster: Cluster;
  readonly #codec: Codec;
  readonly #writer: Writer;
  readonly #leases = new Set<Lease>();
  readonly #closed = new AbortController();

  constructor({ endpoints, prefix = '/berth/', tls, auth, budgetMs = BUDGET_MS, clock = systemClock }: EtcdOptions) {
    const connections = endpoints.map(endpoint => new Connection(endpoint, tls, auth, clock));
    this.#cluster = new Cluster(connections, clock, budgetMs);
    this.#codec = codec(prefix);
    this.#writer = new Writer(this.#cluster, this.#codec);
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#check();
    checkKey(key);
    const { kvs } = await this.#cluster.repeat('range', { key: this.#codec.key(key) });
    return kvs[0] && this.#codec.entry(kvs[0]);
  }

  async list(prefix: string): Promise<Snapshot> {
    this.#check();
    for (;;) {
      try {
        return await this.#listOnce(prefix);
      } catch (error) {
        if (!isCompacted(error)) throw error; // else it took so long that its revision is gone: again, from the top
      }
    }
  }

  async commit(txn: Transaction) {
    this.#check();
    return this.#writer.commit(txn);
  }

  watch(prefix: string, after: bigint, signal: AbortSignal) {
    const source = { cluster: this.#cluster, codec: this.#codec, list: (under: string) => this.list(under) };
    return watchEtcd(source, prefix, after, AbortSignal.any([signal, this.#closed.signal]));
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#check();
    const lease = await grantLease(this.#cluster, ttlMs);
    this.#leases.add(lease);
    void lease.lost.then(() => this.#leases.delete(lease));
    return lease;
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    // Unreachable now, they end by themselves a little later.
    await Promise.allSettled([this.#writer.close(), ...[...this.#leases].map(lease => lease.release())]);
    this.#cluster.close();
  }

  /** All pages show the same revision. */
  async #listOnce(prefix: string): Promise<Snapshot> {
    const entries: Entry[] = [];
    let revision: string | undefined;
    let last: string | undefined;
    for (;;) {
      const request = {
        ...this.#codec.range(prefix, last),
        limit: PAGE_KEYS,
        ...(revision === undefined ? {} : { revision }),
      };
      const page = await this.#cluster.repeat('range', request, this.#cluster.budget(), PAGE_MS);
      revision ??= page.header.revision;
      const found = page.kvs.map(kv => this.#codec.entry(kv));
      entries.push(...found.filter(entry => !entry.key.startsWith(RESERVED)));
      last = found.at(-1)?.key;
      if (!page.more || last === undefined) return { entries, revision: BigInt(revision) };
    }
  }

  #check(): void {
    if (this.#closed.signal.aborted) fail('cancelled', 'the store is closed');
  }
}
