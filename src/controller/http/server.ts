/**
 * The HTTP front: serves tables of routes over TLS and on a local socket with the same handlers. Handlers get requests
 * with raw bodies and give answers; how both look on the wire belongs to the API they are of. Why fastify, and why it
 * parses no body here: docs/adr/0003-http.md.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { AppError } from '../../domain/errors.ts';
import type { Log } from '../log.ts';
import type { Answer } from './answer.ts';
import type { Caller } from './caller.ts';
import { type Listener, type Listeners, openListener } from './listener.ts';
import type { ApiRequest } from './request.ts';
import { ACCESS, type Api, type Rendered, type Route } from './route.ts';
import { openUpgrader, type Upgrades } from './upgrade.ts';

export interface HttpOptions {
  /** The first is the one that answers for paths that belong to none. */
  readonly apis: readonly Api[];
  readonly listeners: Listeners;
  readonly identify: (socket: Duplex) => Caller;
  /** A caution for readers, e.g. that the state may be old; sent as `Warning` header. */
  readonly warning: () => string | undefined;
  readonly log: Log;
  /** Told of every finished request. */
  readonly onRequest?: (route: string, method: string, status: number, seconds: number) => void;
}

export interface HttpServer {
  /** `host:port` really bound, when there is a TLS listener. */
  readonly address: string | undefined;
  /** Ends open connections, long waits and websockets among them. */
  close(): Promise<void>;
}

export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const app = fastify({ bodyLimit: Number.MAX_SAFE_INTEGER, routerOptions: { maxParamLength: 4096 } });
  const upgrader = openUpgrader();
  takeBodiesAsTheyAre(app);
  for (const api of options.apis) {
    for (const route of api.routes) {
      app.route({
        method: route.method,
        url: route.path,
        handler: (request, reply) => serve(request, reply, api, route, options, upgrader.of(request.raw)),
      });
    }
  }
  const apiOf = (path: string) => options.apis.find(api => path.startsWith(api.prefix)) ?? options.apis[0]!;
  app.setNotFoundHandler((request, reply) => send(reply, apiOf(request.url).render.error(noSuchRoute(request))));
  app.setErrorHandler((error, request, reply) => send(reply, apiOf(request.url).render.error(badRequest(error))));
  await app.ready();

  const handle = (request: IncomingMessage, response: Parameters<typeof app.routing>[1]) =>
    app.routing(request, response);
  const listeners: Listener[] = [];
  try {
    for (const options_ of options.listeners)
      listeners.push(await openListener(options_, handle, upgrader.accept(handle)));
  } catch (error) {
    await Promise.all(listeners.map(listener => listener.close()));
    throw error;
  }
  return {
    address: listeners.find(listener => listener.address !== undefined)?.address,
    close: async () => {
      upgrader.close();
      await Promise.all(listeners.map(listener => listener.close()));
      await app.close();
    },
  };
}

async function serve(
  request: FastifyRequest,
  reply: FastifyReply,
  api: Api,
  route: Route,
  options: HttpOptions,
  upgrade: Upgrades,
): Promise<void> {
  const beganAt = performance.now();
  const id = randomUUID();
  const caller = options.identify(request.raw.socket);
  const log = options.log.with({ request: id });
  const finish = (status: number, details: Readonly<Record<string, unknown>> = {}) => {
    const seconds = (performance.now() - beganAt) / 1000;
    options.onRequest?.(route.path, route.method, status, seconds);
    const level = status >= 500 ? 'error' : route.method === 'GET' ? 'debug' : 'info';
    const ms = Math.round(seconds * 1000);
    log[level]('request', {
      method: route.method,
      path: pathOf(request),
      status,
      ms,
      user: caller.username,
      ...details,
    });
  };
  try {
    admit(caller, route);
    const answer = await route.handle(describe(request, reply, id, caller, log, upgrade));
    if (answer.kind === 'upgraded') {
      reply.hijack();
      finish(101);
      return;
    }
    const warning = route.method === 'GET' ? options.warning() : undefined;
    const rendered = api.render.answer(answer);
    await send(reply, rendered, warning === undefined ? {} : { warning: `199 - ${JSON.stringify(warning)}` });
    finish(rendered.status, operationOf(answer));
  } catch (thrown) {
    const error = AppError.from(thrown);
    const rendered = api.render.error(error);
    await send(reply, rendered);
    finish(rendered.status, { code: error.code, error: error.message, ...(error.cause ? { cause: error.cause } : {}) });
  }
}

/** @throws AppError `forbidden`: LXD answers strangers with 403, not with 401. */
function admit(caller: Caller, route: Route): void {
  if (ACCESS.indexOf(caller.access) >= ACCESS.indexOf(route.access)) return;
  throw new AppError(
    'forbidden',
    caller.access === 'anyone' ? 'not authorized' : 'not authorized: this certificate is restricted',
  );
}

function describe(
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  caller: Caller,
  log: Log,
  upgrade: Upgrades,
): ApiRequest {
  const abort = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) abort.abort(new AppError('cancelled', 'the client hung up'));
  });
  return {
    id,
    method: request.method,
    path: pathOf(request),
    params: request.params as Record<string, string>,
    query: firstValues(request.query as Record<string, string | readonly string[]>),
    headers: request.headers,
    caller,
    body: request.raw,
    log,
    signal: abort.signal,
    ...upgrade,
  };
}

function takeBodiesAsTheyAre(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
}

async function send(reply: FastifyReply, rendered: Rendered, headers: Record<string, string> = {}): Promise<void> {
  if (reply.raw.headersSent) return;
  await reply
    .code(rendered.status)
    .headers({ ...rendered.headers, ...headers })
    .send(rendered.body);
}

function noSuchRoute(request: FastifyRequest): AppError {
  const { method } = request;
  return new AppError('not-found', `not found: this version of Berth does not answer ${method} ${pathOf(request)}`);
}

/** What fastify itself refuses: URLs that cannot be decoded, media types that are none. */
function badRequest(error: unknown): AppError {
  const status = (error as { statusCode?: number }).statusCode;
  return status !== undefined && status < 500
    ? new AppError('invalid', (error as Error).message, error)
    : AppError.from(error);
}

function operationOf(answer: Answer): Readonly<Record<string, string>> {
  return answer.kind === 'async' ? { operation: answer.operation.id } : {};
}

const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0]!;

function firstValues(query: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, typeof value === 'string' ? value : (value[0] ?? '')]),
  );
}
