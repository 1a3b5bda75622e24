/**
 * A lease in etcd, kept alive until released. It is presumed lost one ttl after the *sending* of the last renewal that
 * was answered, which is never later than etcd's own expiry: who holds it stops before another can begin.
 */
import { status } from '@grpc/grpc-js';
import { AppError } from '../domain/errors.ts';
import type { Cluster } from './etcd-cluster.ts';
import type { StreamOf } from './etcd-connection.ts';
import { EtcdError } from './etcd-failure.ts';
import type { Lease } from './store.ts';

/** etcd's own least, with its default election timeout. */
const MIN_TTL_MS = 2000;
const RECONNECT_MS = 100;

/** Throws `unavailable`. */
export async function grantLease(cluster: Cluster, ttlMs: number): Promise<Lease> {
  const ttl = Math.max(MIN_TTL_MS, Math.ceil(ttlMs / 1000) * 1000);
  const budget = cluster.budget();
  for (;;) {
    const keeper = new Keeper(cluster, ttl);
    // If the answer is lost and the grant repeated, etcd drops the first lease by itself: nobody renews it.
    const attempt = await cluster.attempt('leaseGrant', { TTL: ttl / 1000 }, budget.attemptMs);
    if (attempt.kind === 'answered') return keeper.keep(attempt.response.ID);
    keeper.end();
    if (attempt.kind === 'final') throw attempt.error;
    await budget.pause(attempt.cause);
  }
}

class Keeper {
  readonly #cluster: Cluster;
  readonly #ttlMs: number;
  readonly #ended = new AbortController();
  readonly #lost = Promise.withResolvers<void>();
  /** Ends the lease one ttl after it was started, unless aborted. */
  #countdown: AbortController;

  /** The first countdown starts here, so before the grant is sent. */
  constructor(cluster: Cluster, ttlMs: number) {
    this.#cluster = cluster;
    this.#ttlMs = ttlMs;
    this.#countdown = this.#startCountdown();
  }

  keep(id: string): Lease {
    void this.#renewForever(id);
    return { id, lost: this.#lost.promise, release: () => this.#release(id) };
  }

  end(): void {
    this.#ended.abort();
    this.#lost.resolve();
  }

  async #release(id: string): Promise<void> {
    this.end();
    try {
      await this.#cluster.repeat('leaseRevoke', { ID: id });
    } catch (error) {
      if (AppError.from(error).code !== 'not-found') throw error; // gone already is as good
    }
  }

  async #renewForever(id: string): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const { stream, failed } = await this.#cluster.openStream('leaseKeepAlive').catch(() => NO_STREAM);
      if (stream !== undefined) {
        const close = () => stream.close();
        signal.addEventListener('abort', close, { once: true });
        if (!signal.aborted) await this.#renewOn(stream, id).catch(error => signal.aborted || failed(error));
        signal.removeEventListener('abort', close);
        close();
      }
      await this.#cluster.clock.sleep(RECONNECT_MS, signal).catch(() => {});
    }
  }

  /** Returns when etcd says that the lease is gone; throws when the stream or the lease ends. */
  async #renewOn(stream: StreamOf<'leaseKeepAlive'>, id: string): Promise<void> {
    for (;;) {
      const countdown = this.#startCountdown(); // before sending
      try {
        stream.send({ ID: id });
        const response = await stream.receive(this.#ttlMs / 3);
        if (response === undefined) throw new EtcdError(status.DEADLINE_EXCEEDED, 'a lease renewal was not answered');
        if (Number(response.TTL) <= 0) return this.end();
      } catch (error) {
        countdown.abort();
        throw error;
      }
      this.#countdown.abort();
      this.#countdown = countdown;
      await this.#cluster.clock.sleep(this.#ttlMs / 3, this.#ended.signal);
    }
  }

  #startCountdown(): AbortController {
    const stop = new AbortController();
    this.#cluster.clock.sleep(this.#ttlMs, AbortSignal.any([stop.signal, this.#ended.signal])).then(
      () => this.end(),
      () => {}, // renewed in time, or over already
    );
    return stop;
  }
}

const NO_STREAM = { stream: undefined, failed: () => {} } as const;
