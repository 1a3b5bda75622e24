import type { Agent, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { AppError } from '../../domain/errors.ts';
import { connectOptions, type Endpoint, endpointName } from './endpoint.ts';
import { type Answer, parseAnswer } from './envelope.ts';
import { type Query, withQuery } from './path.ts';

/**
 * Not by `import`: that reads every export of node:http, and one of them is the getter of undici's WebSocket, which costs
 * 40 ms of start-up (measured, Node 24.21: 67 ms against 28 ms, an empty script being 25 ms).
 */
const builtin = process.getBuiltinModule;

export interface SendOptions {
  readonly query?: Query;
  /** A plain value goes as JSON; a stream or buffer goes as it is, with the headers given. */
  readonly body?: unknown;
  readonly stream?: Readable | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as If-Match: the change is refused if the thing changed since it was read. */
  readonly etag?: string | undefined;
}

export interface Tagged<T> {
  readonly value: T;
  readonly etag: string | undefined;
}

/**
 * One server of the LXD API. Promises: a refusal is an AppError in the server's words; a server that cannot be reached is
 * 'unavailable'; connections are kept for the next call until `close()`.
 */
export class Client {
  readonly endpoint: Endpoint;
  /** Added to every call. */
  readonly #query: Query;
  readonly #trace: (line: string) => void;
  #agent: Agent | undefined;

  constructor(endpoint: Endpoint, query: Query = {}, trace: (line: string) => void = () => {}) {
    this.endpoint = endpoint;
    this.#query = query;
    this.#trace = trace;
  }

  /** The `metadata` of a GET. */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    return (await this.getTagged<T>(path, query)).value;
  }

  /** As `get`, and undefined for what does not exist. */
  async find<T>(path: string, query: Query = {}): Promise<T | undefined> {
    try {
      return await this.get<T>(path, query);
    } catch (error) {
      if (error instanceof AppError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  /** As `get`, with the ETag that a later change of the same thing must carry. */
  async getTagged<T>(path: string, query: Query = {}): Promise<Tagged<T>> {
    const answer = await this.send('GET', path, { query });
    if (answer.kind === 'async') throw new AppError('internal', `GET ${path} was answered with an operation`);
    return { value: answer.metadata as T, etag: answer.etag };
  }

  async send(method: string, path: string, options: SendOptions = {}): Promise<Answer> {
    const response = await this.open(method, path, options);
    const text = await readText(response);
    this.#trace(`${response.statusCode} ${text}`);
    return parseAnswer(response.statusCode ?? 0, text, response.headers.etag);
  }

  /** The answer before its body is read: for downloads. A refusal throws here too. */
  async download(path: string, query: Query = {}): Promise<IncomingMessage> {
    const response = await this.open('GET', path, { query });
    if (response.statusCode === 200) return response;
    parseAnswer(response.statusCode ?? 0, await readText(response));
    throw new AppError('internal', `GET ${path} was answered with HTTP ${response.statusCode}`);
  }

  /** The path with this client's standing query parameters, as it goes over the wire. */
  target(path: string, query: Query = {}): string {
    return withQuery(path, { ...this.#query, ...query });
  }

  close(): void {
    this.#agent?.destroy();
  }

  /** Sends a request and resolves with the answer's head; `send` and `download` are the usual doors. */
  async open(method: string, path: string, options: SendOptions): Promise<IncomingMessage> {
    const target = this.target(path, options.query);
    const json = options.body === undefined ? undefined : JSON.stringify(options.body);
    this.#trace(`${method} ${target}${json === undefined ? '' : ` ${json}`}`);
    const scheme = this.endpoint.kind === 'unix' ? builtin('node:http') : builtin('node:https');
    this.#agent ??= new scheme.Agent({ keepAlive: true });
    const headers: Record<string, string> = { 'User-Agent': 'berth', ...options.headers };
    if (json !== undefined) headers['Content-Type'] = 'application/json';
    if (options.etag !== undefined) headers['If-Match'] = options.etag;
    return new Promise((resolve, reject) => {
      const request = scheme.request({
        ...connectOptions(this.endpoint),
        agent: this.#agent,
        method,
        path: target,
        headers,
      });
      request.once('error', error => reject(unreachable(this.endpoint, error)));
      request.once('response', resolve);
      const stream = options.stream;
      if (stream === undefined || Buffer.isBuffer(stream)) return request.end(json ?? stream);
      stream.once('error', error => request.destroy(error));
      stream.pipe(request);
    });
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Says which server, what went wrong, and what to do about the usual causes. */
export function unreachable(endpoint: Endpoint, error: Error & { code?: string }): AppError {
  if (error instanceof AppError) return error;
  const where = endpointName(endpoint);
  if (endpoint.kind === 'unix' && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')) {
    return new AppError(
      'unavailable',
      `no controller answers at ${where}: start one there, or name another with BERTH_SOCKET or \`berth remote switch\``,
      error,
    );
  }
  if (error.code === 'EACCES') return new AppError('forbidden', `no permission to open ${where}: run as root`, error);
  if (error.code?.includes('CERT') || error.code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new AppError(
      'forbidden',
      `the certificate of ${where} is not the one this remote trusts (${error.code}): if the server was set up anew, remove the remote and add it again`,
      error,
    );
  }
  return new AppError('unavailable', `cannot reach ${where}: ${error.message || error.code}`, error);
}
