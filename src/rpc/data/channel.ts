/**
 * A conversation over one connection: a question with a body of any length, an answer with a body, and so on. Made so
 * that neither a cut connection nor a failure of either end can be mistaken for the end of a body: bodies are framed
 * and end explicitly, and an error at one end is thrown at the other with its own code and text.
 */
import type { Duplex } from 'node:stream';
import { AppError } from '../../domain/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { encodeFrame, readFrame } from './frame.ts';

export type Body = AsyncIterable<Buffer>;

interface Message {
  readonly message: unknown;
  /** What is not read of it is skipped when the next message is due. */
  readonly body: Body;
}

export interface Channel {
  /** URI of the certificate at the other end: `berth://agent/NAME` or `berth://controller/NAME`. */
  readonly peer: string;
  /** One at a time. Fails as soon as the other end refuses, also in the middle of the body; the channel is closed then. */
  ask(message: object, body?: Body): Promise<Message>;
  /** The next question; undefined when the other end hung up. */
  receive(): Promise<Message | undefined>;
  reply(message: object, body?: Body): Promise<void>;
  /** Answers with an error and closes the channel. */
  refuse(error: unknown): Promise<void>;
  /**
   * Gives the connection away as plain bytes, both ways; the channel must not be used afterwards. Bodies must have been
   * read to their end.
   */
  detach(): Duplex;
  /** Resolves when all that was said is sent, or after two seconds. */
  close(): Promise<void>;
}

/** For the last words to arrive at an end that is still talking. */
const CLOSE_MS = 2000;

/**
 * @param idleMs silence in the middle of a question or answer after which the other end counts as hung. Between
 * messages there is no limit; that the other host is alive is the business of TCP keep-alive.
 */
export function createChannel(stream: Duplex, peer: string, idleMs = 120_000): Channel {
  const reader = new ByteReader(stream);
  const writer = new ByteWriter(stream);
  const socket = stream as Duplex & { setTimeout?: (ms: number) => void };
  let unread: Body | undefined;

  const onTimeout = () =>
    stream.destroy(
      new AppError('unavailable', `${peer} was silent for ${idleMs / 1000} s in the middle of a transfer`),
    );
  const onError = () => {}; // shown by the read or write that meets it
  stream.on('error', onError);
  stream.on('timeout', onTimeout);

  async function send(message: object, body: Body | undefined): Promise<void> {
    await writer.write(...encodeFrame('message', json(message)));
    if (body !== undefined) for await (const chunk of body) await writer.write(...encodeFrame('data', chunk));
    await writer.write(...encodeFrame('end'));
  }

  async function receive(): Promise<Message | undefined> {
    if (unread !== undefined) for await (const _ of unread);
    const frame = await readFrame(reader);
    if (frame === undefined) return undefined;
    if (frame.type !== 'message') throw outOfTurn();
    socket.setTimeout?.(idleMs);
    unread = bodyOf(reader, () => socket.setTimeout?.(0));
    return { message: frame.message, body: unread };
  }

  async function refuse(error: unknown): Promise<void> {
    const { code, message } = AppError.from(error);
    await writer.write(...encodeFrame('error', json({ code, message }))).catch(() => {});
    await close(error);
  }

  /** Ends our side and swallows what still comes, so that the connection is not reset before our last words arrive. */
  function close(why: unknown = cut()): Promise<void> {
    if (stream.destroyed) return Promise.resolve();
    reader.release(why);
    return new Promise(resolve => {
      const timer = setTimeout(() => stream.destroy(), CLOSE_MS);
      stream.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      stream.end();
      stream.resume();
    });
  }

  return {
    peer,
    receive,
    refuse,

    async ask(message, body) {
      socket.setTimeout?.(idleMs);
      const sent = send(message, body);
      const answer = receive(); // from now on, so that a refusal is heard at once
      try {
        await Promise.race([sent, answer.then(() => sent)]);
      } catch (error) {
        sent.catch(() => {});
        answer.catch(() => {});
        // When the connection broke under the writer, the reader may have met the reason.
        const why = stream.writable
          ? error
          : await answer.then(
              () => error,
              reason => reason,
            );
        await refuse(error);
        throw why;
      }
      return (await answer) ?? Promise.reject(cut());
    },

    async reply(message, body) {
      if (unread !== undefined) for await (const _ of unread);
      socket.setTimeout?.(idleMs);
      await send(message, body);
      socket.setTimeout?.(0);
    },

    detach() {
      stream.off('error', onError).off('timeout', onTimeout);
      socket.setTimeout?.(0);
      writer.release();
      const rest = reader.release(cut());
      if (rest.length > 0) stream.unshift(rest);
      return stream;
    },

    close: () => close(),
  };
}

async function* bodyOf(reader: ByteReader, atEnd: () => void): AsyncGenerator<Buffer> {
  for (;;) {
    const frame = await readFrame(reader);
    if (frame === undefined) throw cut();
    if (frame.type === 'end') return atEnd();
    if (frame.type !== 'data') throw outOfTurn();
    for (let left = frame.bytes; left > 0; ) {
      const part = await reader.some(left);
      if (part === undefined) throw cut();
      left -= part.length;
      yield part;
    }
  }
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const cut = () => new AppError('unavailable', 'The data connection was cut in the middle of a transfer');
const outOfTurn = () => new AppError('invalid', 'The other end does not keep to the data protocol');
