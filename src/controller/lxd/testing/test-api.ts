/** The whole API over a cluster in one process: real HTTP on a local socket and on TLS, real sagas, fake hosts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { AppError } from '../../../domain/errors.ts';
import { type Identity, makeSelfSigned } from '../../../kit/certificates.ts';
import { type Clock, systemClock } from '../../../kit/clock.ts';
import type { AgentClient } from '../../../rpc/agent-services.ts';
import type { Agents } from '../../agents.ts';
import { openLog } from '../../log.ts';
import { IMAGE, openTestCluster, type TestCluster, type TestController } from '../../testing/test-cluster.ts';
import { ensureSecrets } from '../../trust/secrets.ts';
import type { Bulk } from '../bulk.ts';
import { serveLxd } from '../lxd-server.ts';
import type { Operation } from '../operation.ts';

export { IMAGE };

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The envelope. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

export interface Sent {
  /** Sent as JSON unless it is text or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Front {
  readonly controller: TestController;
  readonly socketPath: string;
  /** `host:port` of its TLS server. */
  readonly address: string;
  readonly certificate: string;
  /** On the local socket, or on TLS with a client certificate (or none). */
  send(method: string, path: string, sent?: Sent, as?: Identity | 'stranger'): Promise<Reply>;
  /** Sends, expects an operation, waits for its end. */
  run(method: string, path: string, body?: unknown): Promise<Operation>;
  websocket(path: string): WebSocket;
}

export interface TestApi {
  readonly cluster: TestCluster;
  readonly front: Front;
  /** Another controller of the same cluster. */
  another(name: string): Promise<Front>;
  client(): Promise<Identity>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  readonly hosts?: readonly string[];
  /** What hosts do otherwise than the fake world. */
  readonly agent?: (node: string) => Partial<AgentClient>;
  readonly bulk?: Bulk;
  /** Of the API; sagas keep their own. */
  readonly clock?: Clock;
  /** Called before each commit and each call of an agent; what it throws is what the caller meets. */
  readonly effects?: () => void;
}

export async function openTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const cluster = await openTestCluster(options.hosts ?? ['n1', 'n2']);
  const folder = await mkdtemp(join(tmpdir(), 'berth-api-'));
  const closing: (() => Promise<void>)[] = [];

  const another = async (name: string): Promise<Front> => {
    const controller = await cluster.controller(name, { effects: options.effects });
    const agents: Agents = {
      of: node => ({ ...controller.agents.of(node), ...options.agent?.(node) }),
    };
    const secrets = await ensureSecrets(controller.store, []);
    const socketPath = join(folder, `${name}.socket`);
    const http = await serveLxd({
      name,
      core: { ...controller, clock: options.clock ?? systemClock, agents },
      bulk: options.bulk ?? noBulk,
      secrets,
      log: openLog('info', () => {}),
      listen: { host: '127.0.0.1', port: 0 },
      socket: socketPath,
    });
    closing.push(() => http.close());
    const address = http.address!;
    const send: Front['send'] = (method, path, sent = {}, as) =>
      as === undefined
        ? exchange({ socketPath, method, path }, sent)
        : exchange({ ...hostPort(address), method, path, ...(as === 'stranger' ? {} : as) }, sent, true);
    return {
      controller,
      socketPath,
      address,
      certificate: secrets.server.cert,
      send,
      run: async (method, path, body) => {
        const begun = await send(method, path, body === undefined ? {} : { body });
        if (begun.json?.type !== 'async') throw new Error(`no operation: ${begun.text}`);
        return (await send('GET', `${begun.json.operation}/wait?timeout=10`)).json.metadata;
      },
      websocket: path => new WebSocket(`ws+unix://${socketPath}:${path}`),
    };
  };

  const front = await another('c1');
  return {
    cluster,
    front,
    another,
    client: () => makeSelfSigned('client'),
    close: async () => {
      for (const close of closing.reverse()) await close();
      await cluster.close();
      await rm(folder, { recursive: true });
    },
  };
}

const noBulk: Bulk = {
  upload: async () => {},
  backup: async function* () {},
  download: async function* () {},
  files: () => Promise.reject(new AppError('not-found', 'these hosts have no files')),
};

function hostPort(address: string): { readonly host: string; readonly port: number } {
  const [host, port] = address.split(':');
  return { host: host!, port: Number(port) };
}

function exchange(options: RequestOptions, { body, headers = {} }: Sent, tls = false): Promise<Reply> {
  const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const length = payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) };
    const all = { ...options, headers: { ...length, ...headers }, agent: false, rejectUnauthorized: false };
    const request = (tls ? httpsRequest : httpRequest)(all, async response => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type'] === 'application/json' && text !== ''; // HEAD has none
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text,
          json: isJson ? JSON.parse(text) : undefined,
        });
      } catch (error) {
        reject(error);
      }
    });
    request.once('error', reject);
    request.end(payload);
  });
}
