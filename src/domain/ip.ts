/** Addresses and networks of both families as numbers: pure. What is not an address is undefined, never a wrong number. */
import { isIP, isIPv4 } from 'node:net';

export interface Cidr {
  readonly family: 4 | 6;
  /** As it was written, shortest form. */
  readonly address: string;
  readonly prefix: number;
}

/** `10.0.0.1/24`, `fd42::1/64`; undefined for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', prefix = '', ...more] = text.split('/');
  const family = isIP(address);
  if (more.length > 0 || !/^\d{1,3}$/.test(prefix) || (family !== 4 && family !== 6) || address.includes('%')) return;
  if (Number(prefix) > bitsOf(family)) return;
  return { family, address: shortest(address), prefix: Number(prefix) };
}

/** `10.0.0.0/24` of `10.0.0.1/24`. */
export function networkOf({ family, address, prefix }: Cidr): string {
  const [first] = boundsOf({ family, address, prefix });
  return `${toAddress(family, first)}/${prefix}`;
}

export function contains(cidr: Cidr, address: string): boolean {
  if (isIP(address) !== cidr.family) return false;
  const [first, last] = boundsOf(cidr);
  const number = toNumber(address);
  return number >= first && number <= last;
}

export function overlap(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false;
  const [firstA, lastA] = boundsOf(a);
  const [firstB, lastB] = boundsOf(b);
  return firstA <= lastB && firstB <= lastA;
}

/** The address that a card of this MAC gives itself in a /64 (SLAAC, RFC 4291 appendix A). */
export function stableAddress(cidr: Cidr, mac: string): string {
  const [first] = boundsOf({ ...cidr, prefix: 64 });
  const bytes = mac.split(':').map(byte => Number.parseInt(byte, 16));
  const host = [bytes[0]! ^ 2, bytes[1]!, bytes[2]!, 0xff, 0xfe, bytes[3]!, bytes[4]!, bytes[5]!];
  return toAddress(6, first + host.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n));
}

/** `fd00:0::5` and `fd00::5` are one address: the one that the kernel shows. */
export function shortest(address: string): string {
  return isIPv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}

const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

function boundsOf({ family, address, prefix }: Cidr): readonly [first: bigint, last: bigint] {
  const size = 1n << BigInt(bitsOf(family) - prefix);
  const number = toNumber(address);
  const first = number - (number % size);
  return [first, first + size - 1n];
}

function toNumber(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  // An IPv4 tail is turned into hexadecimal by the URL parser.
  const [head = '', tail] = shortest(address).split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':').map(word => BigInt(`0x${word}`)));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const middle = Array.from({ length: 8 - left.length - right.length }, () => 0n);
  return [...left, ...(tail === undefined ? [] : middle), ...right].reduce((sum, word) => (sum << 16n) + word, 0n);
}

function toAddress(family: 4 | 6, number: bigint): string {
  const part = (bits: number, index: number) => (number >> BigInt(bits * index)) & ((1n << BigInt(bits)) - 1n);
  if (family === 4) return [3, 2, 1, 0].map(index => part(8, index)).join('.');
  return shortest([7, 6, 5, 4, 3, 2, 1, 0].map(index => part(16, index).toString(16)).join(':'));
}
