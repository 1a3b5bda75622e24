import type { Readable, Writable } from 'node:stream';
import type { WebSocket } from '../api/websocket.ts';

/**
 * Bytes between a stream and a websocket, in the API's framing: data in binary frames, the end as an empty text frame.
 * Neither side is read faster than the other takes it.
 */

/** Sends all of `input`, then the end. Resolves when that is done, or when the socket has closed. */
export async function pump(input: Readable, socket: WebSocket): Promise<void> {
  const closed = new Promise<'closed'>(resolve => socket.once('close', () => resolve('closed')));
  const iterator = input[Symbol.asyncIterator]();
  while (socket.readyState === socket.OPEN) {
    const next = await Promise.race([closed, iterator.next()]);
    if (next === 'closed') return;
    if (next.done) break;
    if ((await Promise.race([closed, sent(socket, next.value)])) === 'closed') return;
  }
  socket.send('', { binary: false }, () => {});
}

/**
 * Writes what the socket brings until its end: the empty text frame, or that it closes. The end is answered by closing,
 * which a server may wait for before it calls the command done (LXD does, for a terminal).
 */
export function drainTo(socket: WebSocket, output: Writable): Promise<void> {
  return new Promise(resolve => {
    socket.on('message', (data: Buffer, binary: boolean) => {
      if (!binary && data.length === 0) {
        socket.close();
        return resolve();
      }
      if (output.write(data)) return;
      socket.pause();
      output.once('drain', () => socket.resume());
    });
    socket.once('close', () => resolve());
    socket.on('error', () => resolve());
  });
}

function sent(socket: WebSocket, chunk: Buffer | string): Promise<'sent'> {
  return new Promise(resolve => socket.send(Buffer.from(chunk as Buffer), { binary: true }, () => resolve('sent')));
}
