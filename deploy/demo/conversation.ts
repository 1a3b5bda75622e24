/** One TCP connection as questions and answers: what is read is what a parser finds complete. It never connects again. */
import { connect, type Socket } from 'node:net';

/** From what has come so far: the answer and how many bytes it took; undefined: it is not complete. May throw. */
export type Parser<T> = (bytes: Buffer) => { readonly value: T; readonly length: number } | undefined;

export interface Conversation {
  readonly socket: Socket;
  /** @throws Error when the connection is gone, or what came is wrong */
  ask<T>(question: string | Buffer, answer: Parser<T>): Promise<T>;
  close(): void;
}

export async function converse(host: string, port: number): Promise<Conversation> {
  const socket = connect({ host, port, noDelay: true });
  let bytes: Buffer = Buffer.alloc(0);
  let failure: Error | undefined;
  let waiting: (() => void) | undefined;
  socket.on('data', chunk => {
    bytes = Buffer.concat([bytes, chunk]);
    waiting?.();
  });
  const end = (error: Error) => {
    failure ??= error;
    waiting?.();
  };
  socket.on('error', end).on('close', () => end(new Error('the connection was closed by the other side')));
  await new Promise<void>((done, failed) => {
    socket.once('connect', done).once('error', failed);
  });
  return {
    socket,
    async ask(question, answer) {
      socket.write(question);
      for (;;) {
        const found = answer(bytes);
        if (found !== undefined) {
          bytes = bytes.subarray(found.length);
          return found.value;
        }
        if (failure !== undefined) throw failure;
        await new Promise<void>(resolve => {
          waiting = resolve;
        });
      }
    },
    close: () => void socket.destroy(),
  };
}
