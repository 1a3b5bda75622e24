/**
 * The networks this host has: bridges. One that exists is used as it is, only its MAC is pinned: an unpinned bridge takes
 * the lowest MAC of its ports, so it would change with every container and the host's own address would go dead. One that
 * we make is wholly as declared: addresses, tunnel to the other hosts, packet filter, DHCP and DNS.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { AppError, fail } from '../../domain/errors.ts';
import { checkNetworkName } from '../../domain/names.ts';
import type { RunConfig } from '../agent-config.ts';
import { writeAtomically } from '../atomic-file.ts';
import { run } from '../command.ts';
import type { Paths } from '../paths.ts';
import { type Card, externalPorts, type NetworkDeclaration, tunnelName } from './declaration.ts';
import { endDnsmasq, serve } from './dnsmasq.ts';
import { filter } from './firewall.ts';
import { holdAddresses } from './held-addresses.ts';
import { nextBridge } from './next-bridge.ts';
import type { Forward } from './next-forwards.ts';
import { isBridge, isThere, presentBridge } from './present.ts';
import { letThrough, quietBridge } from './sysctls.ts';

export type Wish = Omit<NetworkDeclaration, 'ours' | 'cards' | 'forwards' | 'held'>;

export interface Networks {
  ensure(type: string, wish: Wish): Promise<void>;
  /** Who is on it, for DHCP and DNS. */
  setCards(name: string, cards: readonly Card[]): Promise<void>;
  /** Which addresses outside lead to instances that run here. */
  setForwards(name: string, forwards: readonly Forward[]): Promise<void>;
  /** Removes the bridge if `ensure` had made it; what was declared after `revision` stays. */
  remove(name: string, revision: number): Promise<void>;
  names(): readonly string[];
  isOurs(name: string): boolean;
}

export async function openNetworks(paths: Paths, agent: RunConfig): Promise<Networks> {
  const declared = new Map<string, NetworkDeclaration>();
  /** Up to which revision each was removed: a controller that was slower says it once more. */
  const removed = new Map<string, number>();
  const save = () => writeAtomically(paths.networksFile, JSON.stringify([...declared.values()]));
  const folderOf = (name: string) => join(paths.networks, name);
  const host = { node: agent.name, address: ownAddress(agent.dataListen) };

  const bring = async (network: NetworkDeclaration, before: readonly string[] = []): Promise<void> => {
    const { name, ours } = network;
    if (ours) {
      const lines = nextBridge(network, await presentBridge(name), host, before);
      await batch('ip', lines.ip);
      await batch('bridge', lines.fdb);
      await quietBridge(name);
    } else await pin(name);
    await filter(host.node, network);
    await letThrough(network.config);
    await serve(folderOf(name), network);
    if (network.held.length > 0)
      await holdAddresses(
        network.held.map(({ address }) => address),
        network.held,
        async () => {},
      );
  };

  const text = await readFile(paths.networksFile, 'utf8').catch(() => '[]');
  for (const kept of JSON.parse(text) as readonly NetworkDeclaration[]) {
    const network = { ...{ joined: false, peers: [], revision: 0, ...NOBODY }, ...kept };
    declared.set(network.name, network);
    if (network.ours || isBridge(network.name)) await bring(network);
  }

  let last: Promise<unknown> = Promise.resolve();
  /** One at a time: what one reads another may be changing. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine.catch(() => {});
    return mine;
  };

  return {
    names: () => [...declared.keys()],
    isOurs: name => declared.get(name)?.ours ?? false,
    ensure: (type, wish) =>
      inTurn(async () => {
        if (type !== 'bridge') fail('unsupported', `network type "${type}" is not supported yet (bridge)`);
        const name = checkNetworkName(wish.name);
        const old = declared.get(name);
        if (wish.revision < (old?.revision ?? 0) || wish.revision <= (removed.get(name) ?? -1)) return;
        const network = {
          ...wish,
          ours: old?.ours ?? !isBridge(name),
          ...(old === undefined ? NOBODY : { cards: old.cards, forwards: old.forwards, held: old.held }),
        };
        if (network.ours && isThere(name) && !isBridge(name))
          fail('exists', `${name} is an interface of this host and not a bridge`);
        try {
          await bring(network, externalPorts(old?.config ?? {}));
        } catch (thrown) {
          if (old === undefined) await takeAway(network, folderOf(name));
          throw new AppError('invalid', `network ${name}: ${AppError.from(thrown).message}`, thrown);
        }
        declared.set(name, network);
        await save();
      }),
    setCards: (name, cards) =>
      inTurn(async () => {
        const old = declared.get(name) ?? fail('not-found', `this host has no network "${name}"`);
        const network = { ...old, cards };
        await serve(folderOf(name), network);
        declared.set(name, network);
        await save();
      }),
    setForwards: (name, forwards) =>
      inTurn(async () => {
        const old = declared.get(name) ?? fail('not-found', `this host has no network "${name}"`);
        const keep = (change: Partial<NetworkDeclaration>) => {
          declared.set(name, { ...declared.get(name)!, ...change });
          return save();
        };
        await filter(host.node, { ...old, forwards });
        const wanted = [...new Set(forwards.map(({ listen }) => listen))];
        await holdAddresses(wanted, old.held, held => keep({ forwards, held }));
      }),
    remove: (name, revision) =>
      inTurn(async () => {
        removed.set(name, Math.max(revision, removed.get(name) ?? 0));
        const network = declared.get(name);
        if (network === undefined || network.revision > revision) return;
        await takeAway(network, folderOf(name));
        declared.delete(name);
        await save();
      }),
  };
}

const NOBODY = { cards: [], forwards: [], held: [] } as const;

async function takeAway(network: NetworkDeclaration, folder: string): Promise<void> {
  const { name, ours } = network;
  await holdAddresses([], network.held, async () => {});
  await endDnsmasq(folder);
  await filter('', { name, config: {}, ours, joined: false, peers: [], revision: 0, ...NOBODY });
  if (ours) for (const link of [tunnelName(name), name]) if (isThere(link)) await batch('ip', [`link del ${link}`]);
}

async function pin(name: string): Promise<void> {
  const mac = readFileSync(`/sys/class/net/${name}/address`, 'utf8').trim();
  await batch('ip', [`link set ${name} address ${mac}`, `link set ${name} up`]);
}

function ownAddress(listen: string): string | undefined {
  const host = listen.slice(0, listen.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return isIP(host) === 0 || host === '0.0.0.0' || host === '::' ? undefined : host;
}

async function batch(file: 'ip' | 'bridge', lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await run(file, ['-batch', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 10_000 });
}
