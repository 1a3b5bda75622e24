/** Reads /proc/PID/net: pure. It spares a process in the namespace for every container that is asked about. */
import { isIP } from 'node:net';

export interface InterfaceAddress {
  /** Of the interface. */
  readonly name: string;
  readonly family: 'inet' | 'inet6';
  readonly address: string;
  readonly prefix: number;
  readonly scope: 'global' | 'link' | 'local';
}

export interface NetFiles {
  readonly fibTrie: string;
  readonly route: string;
  readonly ifInet6: string;
}

export function addressesIn({ fibTrie, route, ifInet6 }: NetFiles): readonly InterfaceAddress[] {
  return [...ipv4In(fibTrie, route), ...ipv6In(ifInet6)];
}

/**
 * The kernel lists IPv4 addresses without their interface (fib_trie) and the networks of interfaces without addresses
 * (route): an address belongs to the narrowest network it lies in. One with a /32 of its own has no network, so it is
 * not found; it is shown nowhere rather than wrongly.
 */
function ipv4In(fibTrie: string, route: string): readonly InterfaceAddress[] {
  const networks = route
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const [name, destination, gateway, , , , , mask] = line.split(/\s+/);
      if (name === undefined || mask === undefined || gateway !== '00000000') return [];
      return [{ name, base: fromHex(destination!), mask: fromHex(mask) }];
    })
    .sort((a, b) => b.mask - a.mask);
  return localIn(fibTrie).flatMap((address): InterfaceAddress[] => {
    const bits = toBits(address);
    if (bits >>> 24 === 127) return [{ name: 'lo', family: 'inet', address, prefix: 8, scope: 'local' }];
    const network = networks.find(({ base, mask }) => (bits & mask) >>> 0 === base);
    if (network === undefined) return [];
    return [{ name: network.name, family: 'inet', address, prefix: ones(network.mask), scope: 'global' }];
  });
}

/** Leaves that are "/32 host LOCAL": our own addresses. Each appears in the main and in the local table. */
function localIn(fibTrie: string): readonly string[] {
  const found = new Set<string>();
  let leaf = '';
  for (const line of fibTrie.split('\n')) {
    leaf = /\|-- (\S+)/.exec(line)?.[1] ?? leaf;
    if (line.includes('/32 host LOCAL') && isIP(leaf) === 4) found.add(leaf);
  }
  return [...found];
}

const SCOPES: Readonly<Record<string, InterfaceAddress['scope']>> = { '00': 'global', '10': 'local', '20': 'link' };

function ipv6In(ifInet6: string): readonly InterfaceAddress[] {
  return ifInet6.split('\n').flatMap((line): InterfaceAddress[] => {
    const [hex, , prefix, scope, , name] = line.trim().split(/\s+/);
    if (hex === undefined || name === undefined) return [];
    const address = shortest(hex.match(/.{4}/g)!.join(':'));
    return [
      { name, family: 'inet6', address, prefix: Number.parseInt(prefix!, 16), scope: SCOPES[scope!] ?? 'global' },
    ];
  });
}

export interface Counters {
  readonly name: string;
  readonly message: {
    readonly bytesReceived: bigint;
    readonly packetsReceived: bigint;
    readonly errorsReceived: bigint;
    readonly droppedInbound: bigint;
    readonly bytesSent: bigint;
    readonly packetsSent: bigint;
    readonly errorsSent: bigint;
    readonly droppedOutbound: bigint;
  };
}

export function countersIn(dev: string): readonly Counters[] {
  return dev
    .split('\n')
    .slice(2)
    .flatMap(line => {
      const [name, numbers] = line.split(':');
      if (numbers === undefined) return [];
      const value = numbers.trim().split(/\s+/).map(BigInt);
      const message = {
        bytesReceived: value[0]!,
        packetsReceived: value[1]!,
        errorsReceived: value[2]!,
        droppedInbound: value[3]!,
        bytesSent: value[8]!,
        packetsSent: value[9]!,
        errorsSent: value[10]!,
        droppedOutbound: value[11]!,
      };
      return [{ name: name!.trim(), message }];
    });
}

/** States of a TCP connection as the kernel numbers them. */
const [SYN_RECV, FIN_WAIT1, LAST_ACK, LISTEN, CLOSING] = ['03', '04', '09', '0A', '0B'] as const;

/**
 * What no process holds of the connections in /proc/PID/net/tcp or tcp6: how many wait to be accepted or are being made,
 * and of those that were closed the bytes that have not arrived. A measure of what is left, 0 = nothing.
 */
export function unheldIn(tcp: string): number {
  const lines = tcp.split('\n').slice(1);
  return lines.reduce((sum, line) => {
    const [, , , state, queues = '', , , , , inode] = line.trim().split(/\s+/);
    const [unsent, waiting] = queues.split(':').map(hex => Number.parseInt(hex, 16));
    if (state === LISTEN) return sum + waiting!;
    if (state === SYN_RECV) return sum + 1;
    const ending = state === FIN_WAIT1 || state === LAST_ACK || state === CLOSING;
    return ending && inode === '0' ? sum + unsent! : sum;
  }, 0);
}

/** The kernel prints IPv4 words of this table in its own byte order: little endian wherever we run. */
const fromHex = (hex: string): number => Buffer.from(hex, 'hex').readUInt32LE();
const toBits = (address: string): number => Buffer.from(address.split('.').map(Number)).readUInt32BE();
const ones = (mask: number): number => mask.toString(2).replaceAll('0', '').length;
/** RFC 5952, by the URL parser that Node has anyway. */
const shortest = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1);
