/** Where an agent keeps what. Everything but pools elsewhere lies under its data folder. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface Paths {
  readonly data: string;
  readonly config: string;
  readonly tls: string;
  readonly ledger: string;
  readonly images: string;
  readonly uploads: string;
  readonly pools: string;
  /** Declared pools and networks, so that a restarted agent has them before its controller calls. */
  readonly poolsFile: string;
  readonly networksFile: string;
  /** What serves each network: configuration and tables, readable for a dnsmasq that is not root. */
  readonly networks: string;
  /** LXC's own path: one folder an instance, named by its id. */
  readonly lxc: string;
  readonly moves: string;
  /** Memory and processes kept on disk, see `snapshots/state-folders.ts`. */
  readonly states: string;
  /** Archives of instances, one file a backup, named by its id. */
  readonly backups: string;
  /** What devices of instances are made of on this host: one folder an instance. */
  readonly devices: string;
  /** What was learnt about moves. */
  readonly pace: string;
}

export function pathsIn(data: string): Paths {
  return {
    data,
    config: join(data, 'agent.yaml'),
    tls: join(data, 'tls'),
    ledger: join(data, 'ledger'),
    images: join(data, 'images'),
    uploads: join(data, 'uploads'),
    pools: join(data, 'pools'),
    poolsFile: join(data, 'pools.json'),
    networksFile: join(data, 'networks.json'),
    networks: join(data, 'networks'),
    lxc: join(data, 'lxc'),
    moves: join(data, 'moves'),
    states: join(data, 'states'),
    backups: join(data, 'backups'),
    devices: join(data, 'devices'),
    pace: join(data, 'move-pace.json'),
  };
}

/** Unprivileged roots must be able to pass through to theirs, hence 0711; what is secret is closed by itself. */
export async function makeFolders(paths: Paths): Promise<void> {
  for (const folder of [paths.data, paths.pools, paths.lxc, paths.states, paths.networks, paths.devices])
    await mkdir(folder, { recursive: true, mode: 0o711 });
  for (const folder of [paths.tls, paths.ledger, paths.images, paths.uploads, paths.backups])
    await mkdir(folder, { recursive: true, mode: 0o700 });
}
