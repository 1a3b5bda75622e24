/** What the acts of the demo share: the cluster, the CLI as a user would type it, clients, and how it is told. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/agent/command.ts';
import { type ClientProcess, startClient } from '../local-cluster/client-process.ts';
import type { Cluster } from '../local-cluster/cluster.ts';

const BERTH = join(resolve(import.meta.dirname, '../..'), 'bin/berth');

export interface Stage {
  readonly cluster: Cluster;
  /** Runs the CLI and shows it. */
  berth(...words: string[]): Promise<void>;
  /** @returns what it says */
  berthQuietly(...words: string[]): Promise<string>;
  /** Where an instance is, and its IPv4 address. */
  find(instance: string): Promise<{ readonly location: string; readonly address: string }>;
  /** Runs a client, a module's address, in the namespace of clients; resolves when it says that it is connected. */
  client<T>(program: string, ...words: string[]): Promise<ClientProcess<T>>;
}

export function openStage(cluster: Cluster): Stage {
  const env = { BERTH_SOCKET: cluster.socketPath, BERTH_CONF: join(cluster.dir, 'cli') };
  const berthQuietly = async (...words: string[]) => (await run(BERTH, words, { env, timeoutMs: 120_000 })).stdout;
  return {
    cluster,
    berthQuietly,
    async berth(...words) {
      console.log(`\n$ berth ${words.map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`);
      process.stdout.write(await berthQuietly(...words));
    },
    async find(instance) {
      const [found] = JSON.parse(await berthQuietly('list', instance, '--format', 'json')) as Listed[];
      const addresses = Object.values(found!.state.network).flatMap(nic => nic.addresses);
      const own = addresses.find(({ family, scope }) => family === 'inet' && scope === 'global');
      if (own === undefined) throw new Error(`${instance} has no IPv4 address`);
      return { location: found!.location, address: own.address };
    },
    client: (program, ...words) => startClient(cluster, fileURLToPath(program), words),
  };
}

interface Listed {
  readonly location: string;
  readonly state: {
    readonly network: Record<string, { addresses: { family: string; scope: string; address: string }[] }>;
  };
}

export const heading = (text: string): void => console.log(`\n\n== ${text}`);

export const say = (text: string): void => console.log(`  ${text}`);

export const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
