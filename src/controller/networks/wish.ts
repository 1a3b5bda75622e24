/** What a host is told about a network, and who is on it: pure, from the view. */
import { fail } from '../../domain/errors.ts';
import type { NetworkRecord } from '../../domain/network.ts';
import { waysOf } from '../../domain/network-forward.ts';
import { DEFAULT_PROJECT } from '../../domain/project.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { ADDRESSES, INSTANCES, NETWORK_FORWARDS, NODE_STATUS } from '../spaces.ts';

export interface NetworkWish {
  readonly name: string;
  readonly type: string;
  readonly config: Record<string, string>;
  readonly joined: boolean;
  readonly peers: string[];
  readonly revision: bigint;
}

/** For the host `node`: the others are those that were ever seen, also when they are away just now. */
export function wishFor(
  view: View,
  { value, modRevision: revision }: Stored<NetworkRecord>,
  node: string,
): NetworkWish {
  const { name, type, joined = false } = value;
  const config = { ...value.config, ...value.members?.[node] };
  const others = view.list(NODE_STATUS).filter(({ value }) => value.name !== node);
  const peers = others.flatMap(({ value }) => hostOf(value.host.dataAddress)).toSorted();
  return { name, type, config, joined, peers: joined ? peers : [], revision };
}

export interface CardWish {
  readonly name: string;
  readonly mac: string;
  readonly addresses: string[];
}

/** Everybody with an address on the network. Of two instances with one name, DNS knows that of the default project. */
export function cardsOn(view: View, network: string): CardWish[] {
  const owners = new Map(view.list(INSTANCES).map(({ value }) => [value.id, value]));
  const cards = new Map<string, { project: string; name: string; mac: string; addresses: string[] }>();
  for (const { value } of view.list(ADDRESSES, network)) {
    const owner = owners.get(value.instance);
    if (owner === undefined) continue;
    const mac = owner.config[`volatile.${value.device}.hwaddr`] ?? fail('internal', `${owner.name} has no MAC`);
    const key = `${owner.id} ${value.device}`;
    const card = cards.get(key) ?? { project: owner.project, name: owner.name, mac, addresses: [] };
    card.addresses.push(value.address);
    cards.set(key, card);
  }
  const all = [...cards.values()].toSorted((a, b) => rank(a.project) - rank(b.project));
  const holders = new Map<string, string>();
  return all.map(({ project, name, mac, addresses }) => {
    const holder = holders.get(name) ?? project;
    holders.set(name, holder);
    return { name: holder === project ? name : '', mac, addresses };
  });
}

const rank = (project: string): number => (project === DEFAULT_PROJECT ? 0 : 1);

const hostOf = (address: string): string[] =>
  address === '' ? [] : [address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '')];

/** What of the network's forwards the host `node` answers for: those whose targets it owns. */
export function forwardsOn(view: View, network: string, node: string) {
  const ways = view.list(NETWORK_FORWARDS, network).flatMap(({ value }) => waysOf(value, () => true));
  if (ways.length === 0) return [];
  const owners = new Map(view.list(INSTANCES).map(({ value }) => [value.id, value.node]));
  const ownerOf = (address: string) => owners.get(view.get(ADDRESSES.key(network, address))?.value.instance ?? '');
  return ways
    .filter(({ target }) => ownerOf(target) === node)
    .map(({ listen, target, protocol = '', ports }) => ({
      listen,
      target,
      protocol,
      ports: ports.map(([from, to]) => ({ listen: from, target: to })),
    }));
}
