/**
 * A two-way gRPC stream as send and receive-with-timeout. What is not received yet stays in the socket: a slow reader
 * slows the sender down instead of filling memory.
 */
import { status } from '@grpc/grpc-js';
import type { Clock } from '../kit/clock.ts';
import { EtcdError } from './etcd-failure.ts';

/** What we need of gRPC's duplex stream. */
export interface RawStream<Request> extends AsyncIterable<unknown> {
  write(request: Request): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  cancel(): void;
}

export class CallStream<Request, Response> {
  readonly #raw: RawStream<Request>;
  readonly #responses: AsyncIterator<Response>;
  readonly #clock: Clock;
  #pending: Promise<IteratorResult<Response>> | undefined;
  #closed = false;

  constructor(raw: RawStream<Request>, clock: Clock) {
    this.#raw = raw;
    this.#clock = clock;
    raw.on('error', () => {}); // told to whoever receives; unheard it would end the process
    this.#responses = (raw as AsyncIterable<Response>)[Symbol.asyncIterator]();
  }

  send(request: Request): void {
    if (!this.#closed) this.#raw.write(request);
  }

  /**
   * The next response, or undefined when none came in time (it is not lost: receive again).
   * @throws EtcdError when the stream has ended, for whatever reason.
   */
  async receive(timeoutMs: number): Promise<Response | undefined> {
    this.#pending ??= this.#responses.next();
    const timer = new AbortController();
    try {
      const late = this.#clock.sleep(timeoutMs, timer.signal).catch(() => undefined);
      const next = await Promise.race([this.#pending, late]);
      if (next === undefined) return undefined;
      this.#pending = undefined;
      if (next.done) throw new EtcdError(status.UNAVAILABLE, 'the stream has ended');
      return next.value;
    } catch (error) {
      throw EtcdError.from(error);
    } finally {
      timer.abort();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pending?.catch(() => {}); // nobody waits for it any more
    this.#raw.cancel();
  }
}
