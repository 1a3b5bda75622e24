/** IPv4 arithmetic for the addresses of a network: pure. Addresses are unsigned 32-bit numbers inside. */
import { fail } from '../../domain/errors.ts';
import type { NetworkRecord } from '../../domain/network.ts';

export interface Subnet {
  readonly gateway: string;
  /** The way out: the gateway, unless the network names another. */
  readonly router: string;
  readonly prefix: number;
  /** First and last address that instances may get, each. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** Undefined when the network gives out no addresses. @throws AppError `invalid` for config that cannot be read. */
export function subnetOf({ name, config }: Pick<NetworkRecord, 'name' | 'config'>): Subnet | undefined {
  const address = config['ipv4.address'] ?? '';
  if (address === '' || address === 'none') return undefined;
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(address);
  if (match === null) fail('invalid', `Network "${name}": ipv4.address "${address}" is not an address with a prefix`);
  const prefix = Number(match[2]);
  if (prefix < 8 || prefix > 30)
    fail('invalid', `Network "${name}": a prefix of /${prefix} leaves no room; use /8 to /30`);
  const gateway = toNumber(match[1]!);
  const size = 2 ** (32 - prefix);
  const base = gateway - (gateway % size);
  const ranges = config['ipv4.dhcp.ranges'] || config['ipv4.ranges'] || '';
  return {
    gateway: match[1]!,
    router: config['ipv4.dhcp.gateway'] || match[1]!,
    prefix,
    ranges: ranges === '' ? [[base + 1, base + size - 2]] : ranges.split(',').map(range => parseRange(name, range)),
  };
}

/**
 * A free address, looked for from a place that `seed` decides: those who choose at the same time choose apart.
 * @returns undefined when all are taken.
 */
export function freeAddress(subnet: Subnet, taken: Pick<ReadonlySet<string>, 'has'>, seed: number): string | undefined {
  const total = subnet.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  for (let tried = 0; tried < total; tried += 1) {
    const address = toText(nth(subnet, (seed + tried) % total));
    if (address !== subnet.gateway && address !== subnet.router && !taken.has(address)) return address;
  }
  return undefined;
}

/** May an instance ask for this one by itself? It need not be in a range, but in the subnet. */
export function contains(subnet: Subnet, address: string): boolean {
  const size = 2 ** (32 - subnet.prefix);
  const base = toNumber(subnet.gateway) - (toNumber(subnet.gateway) % size);
  const number = toNumber(address);
  return number > base && number < base + size - 1 && address !== subnet.gateway;
}

function nth({ ranges }: Subnet, index: number): number {
  let rest = index;
  for (const [first, last] of ranges) {
    if (rest <= last - first) return first + rest;
    rest -= last - first + 1;
  }
  return fail('internal', `address ${index} is outside of all ranges`);
}

function parseRange(name: string, text: string): readonly [number, number] {
  const [first = '', last = first] = text.trim().split('-');
  const range = [toNumber(first), toNumber(last)] as const;
  if (range[1] < range[0]) fail('invalid', `Network "${name}": ipv4.ranges "${text}" ends before it begins`);
  return range;
}

function toNumber(text: string): number {
  const parts = text.trim().split('.').map(Number);
  const good = parts.length === 4 && parts.every(part => Number.isInteger(part) && part >= 0 && part <= 255);
  if (!good) fail('invalid', `"${text}" is not an IPv4 address`);
  return parts.reduce((number, part) => number * 256 + part, 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256).join('.');
}
