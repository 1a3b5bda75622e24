import { ask, confirm } from '../input/ask.ts';
import type { Io } from '../io.ts';
import type { Preseed } from './preseed.ts';

/** What the questions of `berth init` start from: what the server has already. */
export interface Present {
  readonly pools: readonly string[];
  readonly networks: readonly string[];
}

interface Answers {
  readonly pool?: { readonly name: string; readonly driver: string; readonly source: string };
  readonly network?: { readonly name: string; readonly ipv4: string };
}

/** Asks, and gives the preseed that says the same: there is one way in which a server is set up. */
export async function askPreseed(io: Io, present: Present): Promise<Preseed> {
  return preseedOf({ ...(await askPool(io, present)), ...(await askNetwork(io, present)) });
}

/** The answers of somebody who presses enter at every question. */
export function defaultPreseed(present: Present): Preseed {
  return preseedOf({
    ...(present.pools.length > 0 ? {} : { pool: { name: 'default', driver: 'dir', source: '' } }),
    ...(present.networks.length > 0 ? {} : { network: { name: 'berthbr0', ipv4: 'auto' } }),
  });
}

/** Pure. The default profile gets a root disk on the pool and a card on the network. */
function preseedOf({ pool, network }: Answers): Preseed {
  const devices = {
    ...(pool === undefined ? {} : { root: { type: 'disk', path: '/', pool: pool.name } }),
    ...(network === undefined ? {} : { eth0: { type: 'nic', name: 'eth0', network: network.name } }),
  };
  return {
    config: {},
    networks:
      network === undefined
        ? []
        : [{ name: network.name, type: 'bridge', description: '', config: { 'ipv4.address': network.ipv4 } }],
    storage_pools:
      pool === undefined
        ? []
        : [
            {
              name: pool.name,
              driver: pool.driver,
              description: '',
              config: pool.source === '' ? {} : { source: pool.source },
            },
          ],
    profiles: Object.keys(devices).length === 0 ? [] : [{ name: 'default', description: '', config: {}, devices }],
  };
}

async function askPool(io: Io, present: Present): Promise<Pick<Answers, 'pool'>> {
  if (!(await confirm(io, 'Do you want to configure a new storage pool?', present.pools.length === 0))) return {};
  const name = await askFresh(io, 'Name of the new storage pool', 'default', present.pools);
  const driver = await askOne(io, 'Name of the storage backend to use', ['btrfs', 'dir'], 'dir');
  const source =
    driver === 'btrfs'
      ? await ask(io, 'Path or block device on every host that holds it (empty: a loop file is made): ')
      : '';
  return { pool: { name, driver, source } };
}

async function askNetwork(io: Io, present: Present): Promise<Pick<Answers, 'network'>> {
  if (!(await confirm(io, 'Would you like to create a new network bridge?', present.networks.length === 0))) return {};
  const name = await askFresh(io, 'What should the new bridge be called?', 'berthbr0', present.networks);
  const ipv4 = await askDefault(
    io,
    'What IPv4 address should be used? (CIDR subnet notation, "auto" or "none")',
    'auto',
  );
  return { network: { name, ipv4 } };
}

async function askDefault(io: Io, question: string, otherwise: string): Promise<string> {
  return (await ask(io, `${question} [default=${otherwise}]: `)) || otherwise;
}

async function askFresh(io: Io, question: string, otherwise: string, taken: readonly string[]): Promise<string> {
  for (;;) {
    const name = await askDefault(io, question, otherwise);
    if (!taken.includes(name)) return name;
    io.stdout.write(`The name "${name}" is taken already.\n`);
  }
}

async function askOne(io: Io, question: string, choices: readonly string[], otherwise: string): Promise<string> {
  for (;;) {
    const choice = await askDefault(io, `${question} (${choices.join(', ')})`, otherwise);
    if (choices.includes(choice)) return choice;
  }
}
