import { AppError } from '../../domain/errors.ts';
import type { Devices, Settings } from '../api/instance.ts';

/** What a server is set up with, in the layout of `lxd init --preseed`. */
export interface Preseed {
  readonly config: Settings;
  readonly networks: readonly {
    readonly name: string;
    readonly type: string;
    readonly description: string;
    readonly config: Settings;
  }[];
  readonly storage_pools: readonly {
    readonly name: string;
    readonly driver: string;
    readonly description: string;
    readonly config: Settings;
  }[];
  readonly profiles: readonly {
    readonly name: string;
    readonly description: string;
    readonly config: Settings;
    readonly devices: Devices;
  }[];
  readonly cluster?: ClusterPreseed;
}

/** For a machine that joins a cluster as a host. */
interface ClusterPreseed {
  readonly cluster_token: string;
  /** IP:PORT of this machine. */
  readonly server_address: string;
}

const KEYS = ['config', 'networks', 'storage_pools', 'profiles', 'cluster'];

/** Refuses what it does not know: a misspelt key must not be silently without effect. */
export function parsePreseed(document: unknown): Preseed {
  if (document === null || document === undefined)
    throw new AppError('invalid', 'the preseed is empty: give YAML on standard input');
  const fields = requireMap(document, 'the preseed');
  const unknown = Object.keys(fields).filter(key => !KEYS.includes(key));
  if (unknown.length > 0)
    throw new AppError('invalid', `unknown keys in the preseed: ${unknown.join(', ')} (known: ${KEYS.join(', ')})`);
  return {
    config: settings(fields.config, 'config'),
    networks: entries(fields.networks, 'networks').map(n => ({
      ...common(n, 'networks'),
      type: text(n.type, 'bridge'),
    })),
    storage_pools: entries(fields.storage_pools, 'storage_pools').map(p => ({
      ...common(p, 'storage_pools'),
      driver: requireText(p.driver, 'storage_pools: driver'),
    })),
    profiles: entries(fields.profiles, 'profiles').map(p => ({
      ...common(p, 'profiles'),
      devices: devices(p.devices),
    })),
    ...(fields.cluster ? { cluster: cluster(requireMap(fields.cluster, 'cluster')) } : {}),
  };
}

type Map = Readonly<Record<string, unknown>>;

function common(
  entry: Map,
  where: string,
): { readonly name: string; readonly description: string; readonly config: Settings } {
  const name = requireText(entry.name, `${where}: name`);
  return {
    name,
    description: text(entry.description, ''),
    config: settings(entry.config, `${where}: ${name}: config`),
  };
}

function cluster(fields: Map): ClusterPreseed {
  return {
    cluster_token: requireText(fields.cluster_token, 'cluster: cluster_token'),
    server_address: requireText(fields.server_address, 'cluster: server_address'),
  };
}

function devices(value: unknown): Devices {
  return Object.fromEntries(
    Object.entries(requireMap(value ?? {}, 'devices')).map(([name, device]) => [
      name,
      settings(device, `device ${name}`),
    ]),
  );
}

/** YAML's numbers and booleans become the texts that the API wants. */
function settings(value: unknown, where: string): Settings {
  return Object.fromEntries(
    Object.entries(requireMap(value ?? {}, where)).map(([key, entry]) => {
      if (typeof entry === 'object' && entry !== null)
        throw new AppError('invalid', `${where}: ${key} must be a single value`);
      return [key, entry === null ? '' : String(entry)];
    }),
  );
}

function entries(value: unknown, where: string): readonly Map[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new AppError('invalid', `${where} must be a list`);
  return value.map(entry => requireMap(entry, where));
}

function requireMap(value: unknown, where: string): Map {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Map;
  throw new AppError('invalid', `${where} must be a map`);
}

function requireText(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new AppError('invalid', `${where} is missing`);
}

function text(value: unknown, otherwise: string): string {
  return value === undefined || value === null ? otherwise : String(value);
}
