/**
 * A websocket as a pair of byte streams, as LXD frames them: binary frames are data, an empty text frame is the end of
 * the stream in its direction, a close is the end of both.
 */
import type { RawData, WebSocket } from 'ws';

/** What may wait to be sent before a writer has to wait for its reader. */
const MAX_UNSENT_BYTES = 1024 * 1024;

/** Waits while the reader is slow. To a socket that is closed nothing is written. */
export async function writeTo(socket: WebSocket | undefined, data: Uint8Array): Promise<void> {
  if (socket === undefined || socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount < MAX_UNSENT_BYTES) {
    socket.send(data, () => {});
    return;
  }
  await new Promise<void>(resolve => {
    socket.once('close', resolve);
    socket.send(data, () => {
      socket.off('close', resolve);
      resolve();
    });
  });
}

export function endOf(socket: WebSocket | undefined): void {
  if (socket?.readyState === socket?.OPEN) socket?.send('', () => {});
}

/** Tells `onData` of every piece, and `onEnd` once. The socket is not read while `onData` is pending. */
export function readFrom(socket: WebSocket, onData: (bytes: Buffer) => Promise<void>, onEnd: () => void): void {
  let ended = false;
  const end = () => {
    if (!ended) onEnd();
    ended = true;
  };
  socket.on('message', (raw, isBinary) => {
    if (ended) return;
    const bytes = asBuffer(raw);
    if (bytes.length === 0 && !isBinary) return end();
    socket.pause();
    void onData(bytes).finally(() => socket.resume());
  });
  socket.once('close', end);
}

export function asBuffer(raw: RawData): Buffer {
  if (Array.isArray(raw)) return Buffer.concat(raw);
  return raw instanceof ArrayBuffer ? Buffer.from(raw) : raw;
}
