/**
 * The members of an etcd cluster as one thing to call: stays with one member while it answers, goes on to the next when
 * it does not. Repeats only what may be repeated; a write gets one attempt and an honest answer about it.
 */
import { AppError } from '../domain/errors.ts';
import type { Clock } from '../kit/clock.ts';
import type { CallName, Connection, RequestOf, ResponseOf, StreamName, StreamOf } from './etcd-connection.ts';
import { EtcdError, type Failure, failureOf } from './etcd-failure.ts';

export type Attempt<R> = { readonly kind: 'answered'; readonly response: R } | Failure;

/** Time allowed for one thing as a whole, and the pauses between its attempts. */
export class Budget {
  readonly #clock: Clock;
  readonly #endMs: number;
  #attempts = 0;

  constructor(clock: Clock, totalMs: number) {
    this.#clock = clock;
    this.#endMs = clock.now() + totalMs;
  }

  get remainingMs(): number {
    return this.#endMs - this.#clock.now();
  }

  /**
   * For one attempt. Short: what was sent to a dead leader is never answered, so each attempt made during an election
   * (1-2 s) costs its whole time. Commits take milliseconds, or 45 ms at the 99th percentile under full load.
   */
  get attemptMs(): number {
    return Math.max(100, Math.min(this.#attempts === 0 ? 500 : 1000, this.remainingMs));
  }

  /** Waits before the next attempt; throws `unavailable` when there is no time for one. */
  async pause(cause: unknown): Promise<void> {
    const pauseMs = Math.min(20 * 2 ** this.#attempts++, 500) * (0.5 + Math.random() / 2);
    if (pauseMs >= this.remainingMs)
      throw new AppError('unavailable', 'the store (etcd) does not answer; try again later', cause);
    await this.#clock.sleep(pauseMs);
  }
}

export class Cluster {
  readonly clock: Clock;
  readonly #connections: readonly Connection[];
  readonly #totalMs: number;
  #current: number;

  /** @param totalMs what a call may take, with all its repeats, before it is `unavailable`. */
  constructor(connections: readonly Connection[], clock: Clock, totalMs: number) {
    this.#connections = connections;
    this.clock = clock;
    this.#totalMs = totalMs;
    this.#current = Math.floor(Math.random() * connections.length);
  }

  budget(totalMs: number = this.#totalMs): Budget {
    return new Budget(this.clock, totalMs);
  }

  /** Once, at the current member. Never throws. */
  async attempt<C extends CallName>(
    name: C,
    request: RequestOf<C>,
    timeoutMs: number,
  ): Promise<Attempt<ResponseOf<C>>> {
    const connection = this.#connection();
    try {
      return { kind: 'answered', response: await connection.call(name, request, timeoutMs) };
    } catch (error) {
      return this.#failed(connection, EtcdError.from(error));
    }
  }

  /**
   * For calls that do no harm when they happen twice. Throws `unavailable` when the budget is spent.
   * @param leastMs what an attempt is given at least, for a call whose answer takes time to send.
   */
  async repeat<C extends CallName>(
    name: C,
    request: RequestOf<C>,
    budget: Budget = this.budget(),
    leastMs = 0,
  ): Promise<ResponseOf<C>> {
    for (;;) {
      const attemptMs = Math.max(budget.attemptMs, Math.min(leastMs, budget.remainingMs));
      const attempt = await this.attempt(name, request, attemptMs);
      if (attempt.kind === 'answered') return attempt.response;
      if (attempt.kind === 'final') throw attempt.error;
      await budget.pause(attempt.cause);
    }
  }

  /** At the current member. Its user tells `failed` of its end, unless he ended it. Throws `EtcdError`. */
  async openStream<S extends StreamName>(name: S): Promise<{ stream: StreamOf<S>; failed: (error: unknown) => void }> {
    const connection = this.#connection();
    const failed = (error: unknown) => void this.#failed(connection, EtcdError.from(error));
    try {
      return { stream: await connection.open(name, 1000), failed };
    } catch (error) {
      failed(error);
      throw error;
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #connection(): Connection {
    return this.#connections[this.#current]!;
  }

  #failed(connection: Connection, error: EtcdError): Failure {
    const failure = failureOf(error);
    if (failure.kind === 'not-done' && failure.token) connection.forgetToken();
    // Others may have left this member already: then where they went is not skipped.
    else if (failure.kind !== 'final' && connection === this.#connection())
      this.#current = (this.#current + 1) % this.#connections.length;
    return failure;
  }
}
