/** The few calls of the LXD API that setting up a cluster takes, over the controller's unix socket. */
import { Client } from '../../src/cli/api/client.ts';
import { waitFor } from '../../src/cli/api/operation.ts';
import type { StorageDriver } from './host-namespace.ts';
import type { Layout } from './layout.ts';
import { BRIDGE } from './layout.ts';
import { until } from './until.ts';

export function openApi(socketPath: string): Client {
  return new Client({ kind: 'unix', socketPath });
}

/** A one-time token with which the host called `name` may join, as text for `agent join`. */
export async function joinToken(api: Client, name: string): Promise<string> {
  const answer = await api.send('POST', '/1.0/cluster/members', { body: { server_name: name } });
  if (answer.kind !== 'async') throw new Error('asked for a join token, but got no operation');
  const token = answer.operation.metadata as unknown as TokenMetadata;
  const text = {
    server_name: token.serverName,
    fingerprint: token.fingerprint,
    addresses: token.addresses,
    secret: token.secret,
    expires_at: token.expiresAt,
  };
  return Buffer.from(JSON.stringify(text)).toString('base64');
}

/** Resolves when all of `names` are members and online. */
export async function membersOnline(api: Client, names: readonly string[]): Promise<void> {
  await until(`${names.join(', ')} to be online`, 20_000, async () => {
    const members = await api.get<readonly Member[]>('/1.0/cluster/members', { recursion: 1 });
    const online = new Set(members.filter(member => member.status === 'Online').map(member => member.server_name));
    return names.every(name => online.has(name)) ? true : undefined;
  });
}

interface TokenMetadata {
  readonly serverName: string;
  readonly fingerprint: string;
  readonly addresses: readonly string[];
  readonly secret: string;
  readonly expiresAt: string;
}

export interface Member {
  readonly server_name: string;
  readonly status: string;
  readonly message?: string;
}

/** The pool, the network and the default profile that a new instance needs; what exists is left as it is. */
export async function ensureDefaults(api: Client, layout: Layout, storage: StorageDriver): Promise<void> {
  await ensure(api, '/1.0/storage-pools', { name: 'default', driver: storage, config: {} });
  await ensure(api, '/1.0/networks', {
    name: BRIDGE,
    type: 'bridge',
    config: {
      'ipv4.address': `${layout.gateway}/${layout.prefixLength}`,
      'ipv4.nat': 'false',
      'ipv4.ranges': layout.containerRange,
    },
  });
  const devices = {
    root: { type: 'disk', path: '/', pool: 'default' },
    eth0: { type: 'nic', name: 'eth0', network: BRIDGE },
  };
  const profile = { config: {}, description: 'Default Berth profile', devices };
  await done(api, await api.send('PUT', '/1.0/profiles/default', { body: profile }));
}

async function ensure(
  api: Client,
  path: string,
  body: { readonly name: string } & Record<string, unknown>,
): Promise<void> {
  if ((await api.find(`${path}/${body.name}`)) === undefined) await done(api, await api.send('POST', path, { body }));
}

async function done(api: Client, answer: Awaited<ReturnType<Client['send']>>): Promise<void> {
  if (answer.kind === 'async') await waitFor(api, answer.operation);
}
