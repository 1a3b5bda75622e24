/** Rules that lead addresses outside to instances of a network that run here, as chains for `nft`: pure. */
import { word } from './declaration.ts';

export interface Forward {
  readonly listen: string;
  readonly target: string;
  /** '' = everything. */
  readonly protocol: string;
  readonly ports: readonly { readonly listen: number; readonly target: number }[];
}

export function forwardChains(forwards: readonly Forward[], subnets: readonly string[]): readonly string[] {
  if (forwards.length === 0) return [];
  // What names a port goes first.
  const ordered = forwards.toSorted((a, b) => Number(a.protocol === '') - Number(b.protocol === ''));
  const rules = ordered.map(ruleOf);
  return [
    chain('forward', 'type nat hook prerouting priority dstnat', rules),
    chain('forward_own', 'type nat hook output priority -100', rules),
    // Its neighbours would answer each other directly, and nobody would know of whom.
    chain(
      'forward_back',
      'type nat hook postrouting priority srcnat - 1',
      subnets.map(each => `${ip(each)} saddr ${each} ${ip(each)} daddr ${each} ct status dnat masquerade`),
    ),
  ];
}

function ruleOf({ listen, target, protocol, ports }: Forward): string {
  const to = word('target_address', target);
  const match = `${ip(listen)} daddr ${word('listen_address', listen)}`;
  if (protocol === '') return `${match} dnat ${ip(to)} to ${to}`;
  const transport = protocol === 'udp' ? 'udp' : 'tcp';
  const through = `${match} ${transport} dport`;
  const listens = ports.map(port => port.listen).join(', ');
  if (ports.every(port => port.listen === port.target)) return `${through} { ${listens} } dnat ${ip(to)} to ${to}`;
  const map = ports.map(port => `${port.listen} : ${port.target}`).join(', ');
  return `${through} { ${listens} } dnat ${ip(to)} to ${to} : ${transport} dport map { ${map} }`;
}

const ip = (address: string): string => (address.includes(':') ? 'ip6' : 'ip');

const chain = (name: string, hook: string, rules: readonly string[]): string =>
  `chain ${name} {\n ${hook}; policy accept;\n ${rules.join('\n ')}\n}`;
