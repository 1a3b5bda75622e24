/**
 * Pulls bytes from a stream, exactly so many or as many as there are. Nothing is read ahead of what is asked for, so
 * a slow consumer slows the sender down, through TCP.
 */
import type { Readable } from 'node:stream';

const EVENTS = ['readable', 'end', 'close', 'error'] as const;

export class ByteReader {
  readonly #stream: Readable;
  #rest: Buffer = Buffer.alloc(0);
  #released: unknown;
  #wake: () => void = () => {};
  readonly #onEvent = (): void => this.#wake();

  constructor(stream: Readable) {
    this.#stream = stream;
    for (const event of EVENTS) stream.on(event, this.#onEvent);
  }

  /** Up to `max` bytes, at least one; undefined at the end of the stream. Throws what destroyed or released the stream. */
  async some(max: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      if (this.#released !== undefined) throw this.#released;
      const chunk: Buffer | null = this.#stream.read();
      if (chunk !== null) this.#rest = chunk;
      else if (this.#stream.errored) throw this.#stream.errored;
      else if (this.#stream.readableEnded || this.#stream.destroyed) return undefined;
      else await this.#event();
    }
    const taken = this.#rest.subarray(0, max);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Exactly `bytes`; undefined if the stream ended before (what was read of it is lost). */
  async exactly(bytes: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (let missing = bytes; missing > 0; ) {
      const part = await this.some(missing);
      if (part === undefined) return undefined;
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /**
   * Lets go of the stream; returns what was read from it and not asked for.
   * @param why for who still waits for bytes, which would never come
   */
  release(why: unknown): Buffer {
    for (const event of EVENTS) this.#stream.off(event, this.#onEvent);
    this.#released = why;
    this.#wake();
    return this.#rest;
  }

  #event(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }
}
