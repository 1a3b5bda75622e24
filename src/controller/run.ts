/** A whole controller in one process: store, view, core and the API, opened in this order and closed in the other. */
import { join } from 'node:path';
import type { Clock } from '../kit/clock.ts';
import type { Store } from '../store/store.ts';
import { openView } from '../store/view.ts';
import { openAgents } from './agents.ts';
import { openCore } from './core.ts';
import type { Log } from './log.ts';
import { openBulk } from './lxd/bulk.ts';
import { serveLxd } from './lxd/lxd-server.ts';
import { controllerIdentity, ensureSecrets } from './trust/secrets.ts';

export interface ControllerOptions {
  readonly name: string;
  /** Holds the local socket, `unix.socket`. */
  readonly data: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly listen: { readonly host: string; readonly port: number };
  /** `host:port` under which clients, hosts and other controllers reach this one. */
  readonly address: string;
}

export interface Controller {
  /** The store stays open: it is the caller's. */
  close(): Promise<void>;
}

/** Resolves when it answers. @throws AppError `unavailable` when the store is away. */
export async function openController(options: ControllerOptions): Promise<Controller> {
  const { name, data, store, clock, log, listen, address } = options;
  const following = new AbortController();
  const opened: { close(): Promise<void> | void }[] = [{ close: () => following.abort() }];
  const closeAll = async () => {
    for (const part of opened.reverse()) await part.close();
  };
  try {
    const secrets = await ensureSecrets(store, [listen.host, address.replace(/:\d+$/, '')]);
    const identity = await controllerIdentity(secrets, name);
    const view = await openView(store, [''], following.signal, clock);
    const agents = openAgents(view, identity);
    opened.push(agents);
    const core = await openCore({ store, view, agents, clock, log, name, address });
    opened.push(core);
    opened.push(
      await serveLxd({
        name,
        core: { store, view, clock, agents, engine: core.engine },
        bulk: openBulk(identity),
        secrets,
        log,
        listen,
        address,
        socket: join(data, 'unix.socket'),
      }),
    );
    return { close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
