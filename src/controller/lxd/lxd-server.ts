/** The LXD API of one controller, put together: operations, events, sessions and the table of routes over what core offers. */
import { fingerprintOf } from '../../kit/certificates.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import { type HttpServer, serveHttp } from '../http/server.ts';
import type { Log } from '../log.ts';
import { openMetrics } from '../metrics.ts';
import type { Engine } from '../saga/engine.ts';
import { openSessions } from '../sessions/sessions.ts';
import { identify } from '../trust/identify.ts';
import type { ClusterSecrets } from '../trust/secrets.ts';
import type { Bulk } from './bulk.ts';
import type { Lxd } from './context.ts';
import { openEventFeed } from './event-feed.ts';
import { openFileSessions } from './files/sessions.ts';
import { openOperations } from './operations-index.ts';
import { ensureDefaultProfile } from './profiles.ts';
import { lxdApi } from './routes.ts';
import { openStateCache } from './state-cache.ts';

export interface LxdServerOptions {
  readonly name: string;
  readonly core: {
    readonly store: Store;
    readonly view: View;
    readonly clock: Clock;
    readonly agents: Agents;
    readonly engine: Engine;
  };
  readonly bulk: Bulk;
  readonly secrets: ClusterSecrets;
  readonly log: Log;
  /** Where to serve TLS; absent = only the local socket. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** `host:port` under which others reach it; absent = where it listens. */
  readonly address?: string;
  /** Path of the local socket; absent = none. */
  readonly socket?: string;
}

export async function serveLxd(options: LxdServerOptions): Promise<HttpServer> {
  const { name, core, bulk, secrets, log } = options;
  const { store, view, clock } = core;
  let addresses: readonly string[] = [];
  const server = { fingerprint: fingerprintOf(secrets.server.cert) };
  const operations = openOperations(store, view, clock, () => ({ ...server, addresses }));
  const feed = openEventFeed(view, operations, log);
  const sessions = openSessions({ ...core, controller: name, fingerprint: server.fingerprint, log });
  const files = openFileSessions({ ...core, bulk });
  const metrics = openMetrics(view);
  const lxd: Lxd = {
    ...core,
    controller: name,
    bulk,
    files,
    log,
    secrets,
    addresses: () => addresses,
    operations,
    feed,
    sessions,
    states: openStateCache(core.agents, clock),
    metrics,
  };
  await ensureDefaultProfile(lxd);
  const http = await serveHttp({
    apis: [lxdApi(lxd)],
    listeners: [
      ...(options.listen ? [{ kind: 'tls' as const, ...options.listen, identity: secrets.server }] : []),
      ...(options.socket ? [{ kind: 'unix' as const, path: options.socket }] : []),
    ],
    identify: socket => identify(view, socket),
    warning: () => staleness(view, clock),
    log,
    onRequest: metrics.request,
  });
  const address = options.address ?? http.address;
  addresses = address === undefined ? [] : [address];
  return {
    address: http.address,
    close: async () => {
      await sessions.close();
      feed.close();
      files.close();
      await http.close();
    },
  };
}

function staleness(view: View, clock: Clock): string | undefined {
  if (view.staleSinceMs === undefined) return undefined;
  const seconds = Math.ceil((clock.now() - view.staleSinceMs) / 1000);
  return `the store (etcd) cannot be reached: state may be ${seconds} s old`;
}
