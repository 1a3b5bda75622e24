import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Operation } from '../api/operation.ts';
import type { Io } from '../io.ts';
import { run } from '../run.ts';

/** For tests: a server of the LXD API on a unix socket of its own, which remembers what it was asked. */
export interface FakeServer extends AsyncDisposable {
  readonly socketPath: string;
  readonly seen: readonly Seen[];
  /** Runs a command line against it. */
  run(words: readonly string[], options?: RunOptions): Promise<Ran>;
}

export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

export interface RunOptions {
  readonly stdin?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The answer of one route: metadata, an operation, or the whole of it by hand. Keys are "METHOD /path". */
export type Routes = Readonly<Record<string, unknown | ((request: Seen, response: ServerResponse) => unknown)>>;
export type Sockets = Readonly<Record<string, (socket: WebSocket, url: URL) => void>>;

/** Given back by a route that has answered by itself. */
export const ANSWERED = Symbol('answered');

export async function startFakeServer(routes: Routes, sockets: Sockets = {}): Promise<FakeServer> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-cli-'));
  const socketPath = join(folder, 'unix.socket');
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const entry = {
      method: request.method!,
      path: request.url!,
      body: parse(Buffer.concat(chunks)),
      headers: request.headers,
    };
    seen.push(entry);
    const route = routes[`${entry.method} ${entry.path}`] ?? routes[`${entry.method} ${entry.path.split('?')[0]}`];
    const result = typeof route === 'function' ? await route(entry, response) : route;
    if (result !== ANSWERED) reply(response, result);
  });
  const upgrades = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url!, 'http://fake');
    const route = sockets[url.pathname];
    if (route === undefined) return socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    upgrades.handleUpgrade(request, socket, head, upgraded => route(upgraded, url));
  });
  await new Promise<void>(resolve => server.listen(socketPath, resolve));
  return {
    socketPath,
    seen,
    run: (words, options = {}) => runAgainst(folder, socketPath, words, options),
    [Symbol.asyncDispose]: async () => {
      for (const client of upgrades.clients) client.terminate();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function operation(fields: Partial<Operation> = {}): Operation {
  return {
    id: 'op1',
    class: 'task',
    description: 'Testing',
    created_at: '2026-01-01T00:00:00Z',
    status: 'Running',
    status_code: 103,
    resources: {},
    metadata: null,
    may_cancel: false,
    err: '',
    ...fields,
  };
}

/** An answer that is an operation, to be waited for under its id. */
export function started(fields: Partial<Operation> = {}): { readonly type: 'async'; readonly operation: Operation } {
  return { type: 'async', operation: operation(fields) };
}

export function refusal(
  code: number,
  error: string,
): { readonly type: 'error'; readonly code: number; readonly error: string } {
  return { type: 'error', code, error };
}

/** What a CLI run is given: empty streams, unless said otherwise, whose output is collected. */
export function fakeIo(options: RunOptions = {}): {
  readonly io: Io;
  readonly out: () => string;
  readonly err: () => string;
} {
  const tty = options.terminal === true ? { isTTY: true, columns: 80, rows: 24 } : {};
  const [stdin, stdout, stderr] = [
    new PassThrough(),
    Object.assign(new PassThrough(), tty),
    Object.assign(new PassThrough(), tty),
  ];
  stdin.end(options.stdin ?? '');
  const collect = (stream: PassThrough) => {
    const chunks: Buffer[] = [];
    stream.on('data', chunk => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString();
  };
  return { io: { env: options.env ?? {}, stdin, stdout, stderr }, out: collect(stdout), err: collect(stderr) };
}

async function runAgainst(
  folder: string,
  socketPath: string,
  words: readonly string[],
  options: RunOptions,
): Promise<Ran> {
  const env = { BERTH_SOCKET: socketPath, BERTH_CONF: join(folder, 'config.yml'), ...options.env };
  const { io, out, err } = fakeIo({ ...options, env });
  const code = await run(words, io);
  return { code, out: out(), err: err() };
}

function reply(response: ServerResponse, result: unknown): unknown {
  const kind = (result as { type?: unknown } | undefined)?.type;
  const envelope = {
    type: 'sync',
    status: 'Success',
    status_code: 200,
    operation: '',
    error_code: 0,
    error: '',
    metadata: result,
  };
  if (result === undefined)
    return send(response, 404, { ...envelope, type: 'error', error_code: 404, error: 'not found', metadata: null });
  if (kind === 'async') {
    const { operation: made } = result as ReturnType<typeof started>;
    return send(response, 202, {
      ...envelope,
      type: 'async',
      status_code: 100,
      operation: `/1.0/operations/${made.id}`,
      metadata: made,
    });
  }
  if (kind !== 'error') return send(response, 200, envelope);
  const { code, error } = result as ReturnType<typeof refusal>;
  send(response, code, {
    ...envelope,
    type: 'error',
    status: '',
    status_code: 0,
    error_code: code,
    error,
    metadata: null,
  });
}

function send(response: ServerResponse, status: number, body: object): unknown {
  return response.writeHead(status, { 'Content-Type': 'application/json', ETag: '"e1"' }).end(JSON.stringify(body));
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return body;
  }
}
