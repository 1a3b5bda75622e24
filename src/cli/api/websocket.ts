import type { WebSocket } from 'ws';
import { AppError } from '../../domain/errors.ts';
import { type Client, unreachable } from './client.ts';
import { connectOptions } from './endpoint.ts';
import { parseAnswer } from './envelope.ts';
import type { Query } from './path.ts';

export type { WebSocket };

/**
 * An open websocket on a path of the API. `attach` adds the listeners before anything can arrive: a server may send its
 * first message together with its consent. No compression: what runs here is a terminal or already small.
 */
export async function openWebSocket(
  client: Client,
  path: string,
  query: Query,
  attach: (socket: WebSocket) => void,
): Promise<WebSocket> {
  const { WebSocket } = await import('ws');
  const { endpoint } = client;
  const target = client.target(path, query);
  const url =
    endpoint.kind === 'unix'
      ? `ws+unix:${endpoint.socketPath}:${target}`
      : endpoint.url.replace(/^http/, 'ws').replace(/\/$/, '') + target;
  const { host: _host, port: _port, socketPath: _socketPath, ...tls } = connectOptions(endpoint);
  const socket = new WebSocket(url, { ...tls, perMessageDeflate: false, headers: { 'User-Agent': 'berth' } });
  attach(socket);
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', error => reject(unreachable(endpoint, error)));
    socket.once('unexpected-response', async (_request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      try {
        parseAnswer(response.statusCode ?? 0, Buffer.concat(chunks).toString());
        reject(new AppError('internal', `${path} did not become a websocket`));
      } catch (error) {
        reject(error);
      }
    });
  });
}
