/**
 * Websockets through the same routes: a request to upgrade runs through routing, access check and handler like any
 * other, and becomes a websocket only when its handler says so; until then it can still be refused with a plain answer.
 */
import { type IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { fail } from '../../domain/errors.ts';
import type { ApiRequest } from './request.ts';

/** A dead peer is noticed within two of these. */
const PING_MS = 10_000;

export type Upgrades = Pick<ApiRequest, 'upgrade' | 'takeOver'>;

export interface Upgrader {
  /** Listener for a server's `upgrade` event. */
  accept(handle: RequestListener): (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** What a handler calls to make its connection something else. A websocket comes paused, so that nothing said early is lost. */
  of(request: IncomingMessage): Upgrades;
  close(): void;
}

interface Pending {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly response: ServerResponse;
}

export function openUpgrader(): Upgrader {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 16 * 1024 * 1024 });
  const pending = new WeakMap<IncomingMessage, Pending>();
  const taken = new Set<Duplex>();
  const take = (request: IncomingMessage, otherwise: string): Pending => {
    const found = pending.get(request) ?? fail('invalid', otherwise);
    found.response.detachSocket(found.socket as never);
    return found;
  };
  return {
    accept: handle => (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket as never);
      response.once('finish', () => socket.end());
      pending.set(request, { socket, head, response });
      handle(request, response as never);
    },
    of: request => ({
      upgrade: async () => {
        const { socket, head } = take(request, 'This is a websocket: send "Upgrade: websocket"');
        const websocket = await new Promise<WebSocket>(resolve =>
          server.handleUpgrade(request, socket, head, made => {
            made.pause();
            resolve(made);
          }),
        );
        keepAlive(websocket);
        return websocket;
      },
      takeOver: async protocol => {
        const { socket, head } = take(request, `Send "Upgrade: ${protocol}"`);
        taken.add(socket);
        socket.once('close', () => taken.delete(socket));
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\n\r\n`);
        if (head.length > 0) socket.unshift(head);
        return socket;
      },
    }),
    close: () => {
      for (const socket of taken) socket.destroy();
      for (const websocket of server.clients) websocket.terminate();
      server.close();
    },
  };
}

function keepAlive(websocket: WebSocket): void {
  let answered = true;
  websocket.on('pong', () => {
    answered = true;
  });
  websocket.on('error', () => websocket.terminate());
  const timer = setInterval(() => {
    if (!answered) return websocket.terminate();
    answered = false;
    websocket.ping();
  }, PING_MS);
  websocket.once('close', () => clearInterval(timer));
}
