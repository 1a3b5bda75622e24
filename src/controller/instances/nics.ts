/**
 * Who an instance is on the network: the MAC and the address of each card. Chosen once, kept with the instance as
 * `volatile.*` keys, the same on every host; the addresses are stored keys of their own, which makes them unique.
 */
import { createHash } from 'node:crypto';
import { fail } from '../../domain/errors.ts';
import type { Config, Devices } from '../../domain/instance.ts';
import { contains as inside, parseCidr, shortest, stableAddress } from '../../domain/ip.ts';
import type { AddressRecord, NetworkRecord } from '../../domain/network.ts';
import { nicKind, nics } from '../../domain/nic.ts';
import type { Key } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { ADDRESSES, NETWORK_FORWARDS, NETWORKS } from '../spaces.ts';
import { contains, freeAddress, type Subnet, subnetOf } from './ipv4.ts';

export interface NicPlan {
  /** The instance's own config with the volatile keys of every card. */
  readonly config: Config;
  /** All addresses that it then holds. */
  readonly addresses: readonly { readonly key: Key<AddressRecord>; readonly record: AddressRecord }[];
}

/**
 * Keeps what is decided already; the rest follows from the instance's id, so that planning twice gives the same answer
 * while the world is the same.
 * @param devices expanded. @param config own.
 * @throws AppError `invalid` for an address that cannot be had, `exhausted` when a network has none left.
 */
export function planNics(view: View, id: string, config: Config, devices: Devices): NicPlan {
  const planned: Record<string, string> = {};
  const addresses: { key: Key<AddressRecord>; record: AddressRecord }[] = [];
  const cards = nics(devices, config);
  for (const { device, network, name } of cards) {
    const options = devices[device]!;
    const keep = (key: string) => config[`volatile.${device}.${key}`] || undefined;
    const set = (key: string, value: string) => {
      planned[`volatile.${device}.${key}`] = value;
    };
    if (!options.name) set('name', name);
    set('hwaddr', options.hwaddr || keep('hwaddr') || macAddress(id, device));
    // Clients also name the network as a bridge (`lxc network attach-profile` does): it is the same wire.
    const managed = nicKind(options) === 'bridged' ? view.get(NETWORKS.key(network))?.value : undefined;
    if (options.network && managed === undefined) fail('invalid', `Network "${network}" does not exist`);
    const own = sixOf(managed, planned[`volatile.${device}.hwaddr`]!);
    const six = options['ipv6.address'] ? shortest(options['ipv6.address']) : own?.address;
    if (six) {
      set('ipv6.address', six);
      if (own !== undefined) set('ipv6.gateway', own.gateway);
      if (managed !== undefined) {
        if (own !== undefined && !inside(own.network, six))
          fail('invalid', `Device "${device}": ${six} is not an address of network "${network}"`);
        if (!isFree(view, network, six, { id, device })) inUse(device, six);
        addresses.push({ key: ADDRESSES.key(network, six), record: { address: six, instance: id, device } });
      }
    }
    const subnet = managed && subnetOf(managed);
    if (subnet === undefined) {
      if (options['ipv4.address']) set('ipv4.address', options['ipv4.address']);
      continue;
    }
    const address = chooseAddress(view, network, subnet, {
      id,
      device,
      wished: options['ipv4.address'],
      kept: keep('ipv4.address'),
    });
    set('ipv4.address', address);
    set('ipv4.prefix', String(subnet.prefix));
    set('ipv4.gateway', subnet.router);
    addresses.push({ key: ADDRESSES.key(network, address), record: { address, instance: id, device } });
  }
  const others = Object.entries(config).filter(([key]) => !isNicKey(key));
  return { config: { ...Object.fromEntries(others), ...planned }, addresses };
}

/** The addresses that an instance's config names. */
export function addressesOf(config: Config): readonly string[] {
  return Object.entries(config)
    .filter(([key]) => isNicKey(key) && key.endsWith('.address'))
    .map(([, address]) => address);
}

interface Choice {
  readonly id: string;
  readonly device: string;
  /** By the user: this one or none. */
  readonly wished: string | undefined;
  /** It had this one, perhaps on another network. */
  readonly kept: string | undefined;
}

function chooseAddress(view: View, network: string, subnet: Subnet, { id, device, wished, kept }: Choice): string {
  const free = (address: string) => isFree(view, network, address, { id, device });
  if (wished) {
    if (!contains(subnet, wished)) {
      fail('invalid', `Device "${device}": ${wished} is not an address of network "${network}"`);
    }
    if (!free(wished)) inUse(device, wished);
    return wished;
  }
  if (kept !== undefined && contains(subnet, kept) && free(kept)) return kept;
  const forwarded = new Set(listens(view));
  const taken = {
    has: (address: string) => forwarded.has(address) || view.get(ADDRESSES.key(network, address)) !== undefined,
  };
  return (
    freeAddress(subnet, taken, digest(id, device).readUInt32BE(0)) ??
    fail('exhausted', `Network "${network}" has no free address left; widen its ipv4.ranges`)
  );
}

function isFree(view: View, network: string, address: string, { id, device }: { id: string; device: string }): boolean {
  const holder = view.get(ADDRESSES.key(network, address))?.value;
  if (holder !== undefined) return holder.instance === id && holder.device === device;
  return !listens(view).includes(address);
}

/** Hosts answer for these. */
const listens = (view: View): readonly string[] => view.list(NETWORK_FORWARDS).map(({ value }) => value.listen);

function inUse(device: string, address: string): never {
  return fail('invalid', `Device "${device}": address ${address} is in use`);
}

/** Of a network that we serve: the address that a card gives itself, so that it has it with and without asking a router. */
function sixOf(network: NetworkRecord | undefined, mac: string) {
  const cidr = network?.joined ? parseCidr(network.config['ipv6.address'] ?? '') : undefined;
  return cidr && { network: cidr, gateway: cidr.address, address: stableAddress(cidr, mac) };
}

/** Locally administered, unicast; 40 bits of a hash: among 10,000 cards two are alike in one of 20,000 clusters. */
function macAddress(id: string, device: string): string {
  const hex = digest(id, device).toString('hex', 4, 9);
  return ['02', ...hex.match(/../g)!].join(':');
}

function digest(id: string, device: string): Buffer {
  return createHash('sha256').update(`${id}/${device}`).digest();
}

function isNicKey(key: string): boolean {
  return /^volatile\..+\.(hwaddr|name|ipv4\.(address|prefix|gateway)|ipv6\.(address|gateway))$/.test(key);
}
