import { AppError } from '../../domain/errors.ts';
import type { Client } from './client.ts';
import type { Settings } from './instance.ts';

/** What a server says of itself: GET /1.0. To a stranger only the first four. */
export interface Server {
  readonly api_extensions: readonly string[] | null;
  readonly api_version: string;
  readonly auth: 'trusted' | 'untrusted';
  readonly public: boolean;
  readonly config?: Settings;
  readonly environment?: ServerEnvironment;
}

interface ServerEnvironment {
  readonly addresses?: readonly string[];
  readonly certificate?: string;
  readonly certificate_fingerprint?: string;
  readonly server?: string;
  readonly server_clustered?: boolean;
  readonly server_name?: string;
  readonly server_version?: string;
}

/** The extensions of ours: what LXD's API lacks. */
export const DRY_RUN = 'berth_dry_run';
export const MOVE_MODE = 'berth_move_mode';
export const PLACEMENT = 'berth_placement';
export const DOCTOR = 'berth_doctor';

export function getServer(client: Client): Promise<Server> {
  return client.get<Server>('/1.0');
}

export async function isClustered(client: Client): Promise<boolean> {
  return (await getServer(client)).environment?.server_clustered === true;
}

/** An unknown query parameter is ignored by an LXD server, so what must not happen by mistake is asked for first. */
export async function requireExtension(client: Client, extension: string, what: string): Promise<void> {
  const { api_extensions, environment } = await getServer(client);
  if (api_extensions?.includes(extension)) return;
  const kind = environment?.server === undefined || environment.server === 'lxd' ? 'an LXD server' : 'this server';
  throw new AppError('unsupported', `${kind} cannot do ${what} (it lacks the extension ${extension})`);
}
