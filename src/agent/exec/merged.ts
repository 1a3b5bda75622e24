/** Several streams read as one, each piece as it comes. A stream that breaks or is destroyed has simply ended. */
import type { Readable } from 'node:stream';

export interface Piece {
  /** Which of the streams. */
  readonly index: number;
  readonly chunk: Buffer;
}

/** Reads no faster than the pieces are taken. */
export async function* merged(streams: readonly Readable[]): AsyncGenerator<Piece> {
  const next = async (index: number, reader: AsyncIterator<Buffer>) => {
    const result = await reader.next().catch(() => ({ done: true as const, value: undefined }));
    return { index, reader, result };
  };
  const readers = streams.map(stream => stream.on('error', () => {})[Symbol.asyncIterator]() as AsyncIterator<Buffer>);
  const pending = new Map(readers.map((reader, index) => [index, next(index, reader)]));
  while (pending.size > 0) {
    const { index, reader, result } = await Promise.race(pending.values());
    if (result.done) {
      pending.delete(index);
    } else {
      pending.set(index, next(index, reader));
      yield { index, chunk: result.value };
    }
  }
}
