/** What a controller said about one network: kept in a file, so that a host that was rebooted has its networks by itself. */
import { createHash } from 'node:crypto';
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import { type Cidr, parseCidr } from '../../domain/ip.ts';
import type { Held } from './held-addresses.ts';
import type { Forward } from './next-forwards.ts';

export interface NetworkDeclaration {
  readonly name: string;
  readonly config: Config;
  /** We made the bridge, so we may remove it. */
  readonly ours: boolean;
  /** The hosts' bridges are one segment; each is the gateway of its own instances and serves them. */
  readonly joined: boolean;
  /** Addresses of the other hosts. */
  readonly peers: readonly string[];
  readonly cards: readonly Card[];
  readonly forwards: readonly Forward[];
  /** Listen addresses that this host has because of them. */
  readonly held: readonly Held[];
  /** Of the record that it comes from. */
  readonly revision: number;
}

/** Somebody on the network, on whichever host. */
export interface Card {
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

/** The tunnel adds 50 bytes to each packet, and most wires carry 1500. */
const JOINED_MTU = 1450;

export const isSet = (config: Config, key: string): boolean => !['', 'none', 'auto', undefined].includes(config[key]);

/** The gateway with its prefix, of either family; undefined: the network has none. */
export function gatewayOf(config: Config, family: 4 | 6): Cidr | undefined {
  const key = `ipv${family}.address`;
  if (!isSet(config, key)) return undefined;
  const cidr = parseCidr(config[key]!);
  return cidr?.family === family ? cidr : fail('invalid', `Invalid value for "${key}": "${config[key]}"`);
}

export const hasGateway = (config: Config): boolean => isSet(config, 'ipv4.address') || isSet(config, 'ipv6.address');

export const externalPorts = (config: Config): readonly string[] => wordsOf(config, 'bridge.external_interfaces');

/** A list of words, separated by commas; each becomes one word of a program's input. */
export function wordsOf(config: Config, key: string): readonly string[] {
  const words = (config[key] ?? '').split(',').map(each => each.trim());
  return words.filter(Boolean).map(each => word(key, each));
}

export function word(key: string, text: string): string {
  if (!/^[A-Za-z0-9_.:/@-]+$/.test(text)) fail('invalid', `Invalid value for "${key}": "${text}"`);
  return text;
}

/** Does it reach the other hosts by a tunnel of ours? What has ports of its own is joined by them. */
export const hasTunnel = ({ joined, config }: NetworkDeclaration): boolean =>
  joined && externalPorts(config).length === 0;

/** Undefined: what the kernel gives. */
export function mtuOf(network: NetworkDeclaration): number | undefined {
  const text = network.config['bridge.mtu'];
  return text ? Number(word('bridge.mtu', text)) : hasTunnel(network) ? JOINED_MTU : undefined;
}

/** The end of the tunnel on this host: a name that the kernel has room for. */
export const tunnelName = (network: string): string => `vx${hexOf(`tunnel ${network}`, 8)}`;

/**
 * Local and unicast, the same after every reboot. A gateway has the same address on every host, so a moved instance finds
 * it there under the same MAC; a bridge that is none needs a MAC of its own.
 */
export function bridgeMac(node: string, { name, config }: NetworkDeclaration): string {
  if (config['bridge.hwaddr']) return word('bridge.hwaddr', config['bridge.hwaddr']).toLowerCase();
  const hex = hexOf(hasGateway(config) ? name : `${node}/${name}`, 10);
  return ['02', ...hex.match(/../g)!].join(':');
}

const hexOf = (text: string, digits: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digits);
