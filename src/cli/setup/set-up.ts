import { AppError } from '../../domain/errors.ts';
import type { Client } from '../api/client.ts';
import { at } from '../api/path.ts';
import { type Fields, writable } from '../api/update.ts';
import { confirm } from '../input/ask.ts';
import { readStdin } from '../input/stdin.ts';
import { parseYaml, renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';
import { applyPreseed } from './apply-preseed.ts';
import { joinCluster } from './join-cluster.ts';
import { type Preseed, parsePreseed } from './preseed.ts';
import { askPreseed, defaultPreseed, type Present } from './questions.ts';

export interface SetUpOptions {
  readonly preseed?: boolean;
  readonly auto?: boolean;
  readonly dump?: boolean;
}

/** `berth init` without an image: sets the server up by questions, by YAML, or by the default answers. */
export async function setUp(session: Session, options: SetUpOptions): Promise<void> {
  if (options.preseed) return apply(session, parsePreseed(await parseYaml(await readStdin(session.io))));
  const { client } = await session.resolve('');
  if (options.dump) return session.print(await renderYaml(await dump(client)));
  const present = await presentOf(client);
  if (options.auto) return apply(session, defaultPreseed(present));
  if (!session.io.stdin.isTTY)
    throw new AppError('invalid', 'There is no terminal for questions: name an image, or use --preseed or --auto');
  const preseed = await askPreseed(session.io, present);
  if (await confirm(session.io, 'Would you like a YAML "berth init" preseed to be printed?', false))
    session.print(await renderYaml(preseed));
  await apply(session, preseed);
}

async function apply(session: Session, preseed: Preseed): Promise<void> {
  if (preseed.cluster === undefined) {
    const { client } = await session.resolve('');
    return applyPreseed(client, preseed);
  }
  session.exitCode = await joinCluster(preseed.cluster.cluster_token, {
    data: '/var/lib/berth/agent',
    address: preseed.cluster.server_address,
  });
}

async function presentOf(client: Client): Promise<Present> {
  const [pools, networks] = await Promise.all([list(client, at`storage-pools`), list(client, at`networks`)]);
  return {
    pools: pools.map(p => String(p.name)),
    networks: networks.filter(n => n.managed === true).map(n => String(n.name)),
  };
}

async function dump(client: Client): Promise<Preseed> {
  const [server, networks, pools, profiles] = await Promise.all([
    client.get<Fields>('/1.0'),
    list(client, at`networks`),
    list(client, at`storage-pools`),
    list(client, at`profiles`),
  ]);
  return parsePreseed({
    config: server.config,
    networks: networks
      .filter(n => n.managed === true)
      .map(n => ({ name: n.name, type: n.type, ...writable('network', n) })),
    storage_pools: pools.map(p => ({ name: p.name, driver: p.driver, ...writable('pool', p) })),
    profiles: profiles.map(p => ({ name: p.name, ...writable('profile', p) })),
  });
}

function list(client: Client, path: string): Promise<readonly Fields[]> {
  return client.get(path, { recursion: 1 });
}
