/**
 * What a card may send and how much, as text for `nft`: pure. A table of its own in the bridge family, by the name of the
 * card's outer end, so that it holds from the card's first packet, also when the card is made anew.
 */
import type { Nic } from './plan.ts';

/** Bits a second; undefined: as much as there is. */
export interface CardRules {
  /** To the instance. */
  readonly ingress: number | undefined;
  /** From it. */
  readonly egress: number | undefined;
  /** It speaks under its own MAC only. */
  readonly mac: boolean;
  /** Its own addresses of that family only. */
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** Room for what the kernel sends in one piece; it adds a second's worth by itself (nft_limit counts so). */
const BURST_BYTES = 256 * 1024;

export const cardTable = ({ host }: Pick<Nic, 'host'>): string => `bridge berth_${host}`;

/** '' = none. */
export function cardRules({ host, mac, addresses, rules }: Nic): string {
  const from = [
    ...limit(rules.egress),
    ...(rules.mac ? [`ether saddr != ${mac} drop`, `arp saddr ether != ${mac} drop`] : []),
    ...(rules.ipv4 || rules.ipv6 ? ['ether type != { ip, arp, ip6 } drop'] : []),
    ...(rules.ipv4 ? ipv4Rules(addresses.map(({ address }) => address).filter(each => !each.includes(':'))) : []),
    ...(rules.ipv6
      ? ipv6Rules([linkLocal(mac), ...addresses.map(({ address }) => address).filter(each => each.includes(':'))])
      : []),
  ];
  const to = limit(rules.ingress);
  const chains = [
    ...chain('from', 'prerouting', `iifname "${host}"`, from),
    ...chain('to', 'postrouting', `oifname "${host}"`, to),
  ];
  return chains.join('\n');
}

const chain = (name: string, hook: string, match: string, rules: readonly string[]): readonly string[] =>
  rules.length === 0
    ? []
    : [
        `chain ${name} {\n type filter hook ${hook} priority filter; policy accept;\n${rules.map(rule => ` ${match} ${rule}\n`).join('')}}`,
      ];

function limit(bits: number | undefined): readonly string[] {
  if (bits === undefined) return [];
  const bytes = Math.max(1, Math.floor(bits / 8));
  return [`limit rate over ${bytes} bytes/second burst ${BURST_BYTES} bytes drop`];
}

/** Asking for an address needs none. */
function ipv4Rules(own: readonly string[]): readonly string[] {
  return [
    'ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp dport 67 accept',
    ...(own.length === 0 ? ['ether type ip drop'] : [`ip saddr != { ${own.join(', ')} } drop`]),
    `arp saddr ip != { ${['0.0.0.0', ...own].join(', ')} } drop`,
  ];
}

/** It is no router, and says of no other address that it has it. */
function ipv6Rules(own: readonly string[]): readonly string[] {
  return [
    'icmpv6 type nd-router-advert drop',
    `ip6 saddr != { ${['::', ...own].join(', ')} } drop`,
    `icmpv6 type nd-neighbor-advert @nh,384,128 != { ${own.map(hexOf).join(', ')} } drop`,
  ];
}

/** What the kernel gives a card of this MAC (RFC 4291). */
function linkLocal(mac: string): string {
  const [a, b, c, d, e, f] = mac.split(':').map(byte => Number.parseInt(byte, 16));
  const word = (high: number, low: number) => (high * 256 + low).toString(16);
  return `fe80::${word(a! ^ 2, b!)}:${word(c!, 0xff)}:${word(0xfe, d!)}:${word(e!, f!)}`;
}

/** All 128 bits, as raw bytes are compared. */
function hexOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':').map(each => each.padStart(4, '0')));
  const [left, right] = [words(head), words(tail ?? '')];
  return `0x${[...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0000'), ...right].join('')}`;
}
