/** Writes to a stream and waits while the other end does not keep up. */
import type { Writable } from 'node:stream';
import { AppError } from '../../domain/errors.ts';

const EVENTS = ['drain', 'close', 'error'] as const;

export class ByteWriter {
  readonly #stream: Writable;
  #wake: () => void = () => {};
  readonly #onEvent = (): void => this.#wake();

  constructor(stream: Writable) {
    this.#stream = stream;
    for (const event of EVENTS) stream.on(event, this.#onEvent);
  }

  /** The buffers must not be changed afterwards. Throws what destroyed the stream. */
  async write(...buffers: readonly Buffer[]): Promise<void> {
    this.#check();
    this.#stream.cork();
    for (const buffer of buffers) this.#stream.write(buffer);
    this.#stream.uncork();
    while (this.#stream.writableNeedDrain) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#check();
    }
  }

  /** Lets go of the stream. */
  release(): void {
    for (const event of EVENTS) this.#stream.off(event, this.#onEvent);
  }

  #check(): void {
    if (this.#stream.errored) throw this.#stream.errored;
    if (!this.#stream.writable) throw new AppError('unavailable', 'The other host closed the data connection');
  }
}
