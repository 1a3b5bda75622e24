/**
 * The packet filter of one network, as text for `nft`: pure. Tables of our own, made anew as a whole in one transaction;
 * nothing else of the host's rules is touched.
 */

import type { Config } from '../../domain/instance.ts';
import { type Cidr, networkOf } from '../../domain/ip.ts';
import { isTrue } from '../../domain/values.ts';
import {
  bridgeMac,
  externalPorts,
  gatewayOf,
  hasTunnel,
  type NetworkDeclaration,
  tunnelName,
  word,
} from './declaration.ts';
import { TUNNEL_PORT } from './next-bridge.ts';
import { forwardChains } from './next-forwards.ts';

/** Letters and digits as they are; all else must not make two names one. */
export const tableOf = (network: string): string =>
  `berth_${network.replace(/[^A-Za-z0-9]/g, each => `_${each.charCodeAt(0).toString(16)}`)}`;

/** Of each family, its chains; a family without any has no table. */
export function nextFirewall(node: string, network: NetworkDeclaration): Readonly<Record<'inet' | 'bridge', string>> {
  return {
    inet: [
      ...translation(network),
      ...forwardChains(network.forwards, subnetsOf(network)),
      ...routing(network),
      ...guard(network),
    ].join('\n'),
    bridge: gatewayStaysHome(node, network).join('\n'),
  };
}

const subnetsOf = ({ config }: NetworkDeclaration): readonly string[] =>
  ([4, 6] as const).flatMap(family => gatewayOf(config, family) ?? []).map(networkOf);

/** Lets instances out under the host's own address. */
function translation({ name, config }: NetworkDeclaration): readonly string[] {
  return ([4, 6] as const).flatMap(family => {
    const gateway = gatewayOf(config, family);
    const key = (rest: string) => config[`ipv${family}.${rest}`];
    if (gateway === undefined || !isTrue(key('nat'))) return [];
    const ip = family === 4 ? 'ip' : 'ip6';
    const own = networkOf(gateway);
    const to = key('nat.address')
      ? `snat ${ip} to ${word(`ipv${family}.nat.address`, key('nat.address')!)}`
      : 'masquerade';
    const priority = key('nat.order') === 'after' ? 'srcnat + 10' : 'srcnat';
    return [
      chain(`out${family}`, `type nat hook postrouting priority ${priority}`, [
        `${ip} saddr ${own} ${ip} daddr != ${own} oifname != "${name}" ${to}`,
      ]),
    ];
  });
}

/** What the host may not pass on. */
function routing({ name, config }: NetworkDeclaration): readonly string[] {
  const closed = ([4, 6] as const).filter(family => shut(config, family));
  if (closed.length === 0) return [];
  const rules = closed.flatMap(family => [
    `iifname "${name}" meta nfproto ipv${family} drop`,
    `oifname "${name}" meta nfproto ipv${family} drop`,
  ]);
  return [chain('routing', 'type filter hook forward priority filter', rules)];
}

const shut = (config: Config, family: 4 | 6): boolean => !isTrue(config[`ipv${family}.routing`] || 'true');

/** Into the tunnel speak the hosts of the cluster alone. */
function guard(network: NetworkDeclaration): readonly string[] {
  if (!hasTunnel(network)) return [];
  const peers = (family: 4 | 6) =>
    network.peers.filter(peer => peer.includes(':') === (family === 6)).map(peer => word('peer', peer));
  const rules = ([4, 6] as const).map(family => {
    const known = peers(family);
    const from =
      known.length === 0
        ? `meta nfproto ipv${family}`
        : `${family === 4 ? 'ip' : 'ip6'} saddr != { ${known.join(', ')} }`;
    return `udp dport ${TUNNEL_PORT} ${from} drop`;
  });
  return [chain('guard', 'type filter hook input priority filter', rules)];
}

/**
 * Every host is the gateway, with the same address and the same MAC: what is said to it or by it, and what asks for an
 * address or a router, stays on its host.
 */
function gatewayStaysHome(node: string, network: NetworkDeclaration): readonly string[] {
  const { name, config, joined } = network;
  const gateways = [gatewayOf(config, 4), gatewayOf(config, 6)] as const;
  if (!joined || gateways.every(each => each === undefined)) return [];
  const wires = hasTunnel(network) ? [tunnelName(name)] : externalPorts(config);
  const mac = bridgeMac(node, network);
  const away = `oifname { ${wires.map(each => `"${each}"`).join(', ')} }`;
  const back = away.replace('oifname', 'iifname');
  const [four, six] = gateways;
  return [
    chain('passing', 'type filter hook forward priority filter', [
      `${away} ether daddr ${mac} drop`,
      `${back} ether saddr ${mac} drop`,
      ...(four
        ? [`${away} arp daddr ip ${four.address} drop`, `${away} udp dport 67 drop`, `${back} udp sport 67 drop`]
        : []),
      ...(six
        ? [
            `${away} icmpv6 type { nd-router-solicit, nd-router-advert } drop`,
            `${back} icmpv6 type nd-router-advert drop`,
            `${away} icmpv6 type nd-neighbor-solicit @th,64,128 ${hexOf(six)} drop`,
            `${away} udp dport 547 drop`,
            `${back} udp sport 547 drop`,
          ]
        : []),
    ]),
    chain('out', 'type filter hook output priority filter', [`${away} ether saddr ${mac} drop`]),
    chain('in', 'type filter hook input priority filter', [
      `${back} ether saddr ${mac} drop`,
      ...(four ? [`${back} arp daddr ip ${four.address} drop`, `${back} udp dport 67 drop`] : []),
      ...(six
        ? [`${back} icmpv6 type { nd-router-solicit, nd-router-advert } drop`, `${back} udp dport 547 drop`]
        : []),
    ]),
  ];
}

/** All 128 bits, as nft compares raw bytes. */
function hexOf({ address }: Cidr): string {
  return `0x${bytesOf(address)}`;
}

function bytesOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':').map(each => each.padStart(4, '0')));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0000'), ...right].join('');
}

const chain = (name: string, hook: string, rules: readonly string[]): string =>
  `chain ${name} {\n ${hook}; policy accept;\n ${rules.join('\n ')}\n}`;
