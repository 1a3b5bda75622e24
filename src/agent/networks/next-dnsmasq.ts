/**
 * What dnsmasq is told for one network: pure. Who gets which address is decided by the controller and stands in a table,
 * so nothing is leased that is not in it, every host gives the same answers, and no leases have to be kept.
 */

import { type Cidr, networkOf } from '../../domain/ip.ts';
import { isTrue } from '../../domain/values.ts';
import { type Card, gatewayOf, mtuOf, type NetworkDeclaration, word, wordsOf } from './declaration.ts';

export interface DnsmasqFiles {
  readonly folder: string;
  readonly config: string;
  /** Read again on SIGHUP. */
  readonly leases: string;
  readonly hosts: string;
  readonly pid: string;
}

export const dnsmasqFiles = (folder: string): DnsmasqFiles => ({
  folder,
  config: `${folder}/dnsmasq.conf`,
  leases: `${folder}/leases`,
  hosts: `${folder}/hosts`,
  pid: `${folder}/dnsmasq.pid`,
});

/** Undefined: there is nothing to serve. */
export function dnsmasqConfig(network: NetworkDeclaration, files: DnsmasqFiles): string | undefined {
  const { name, config } = network;
  const four = gatewayOf(config, 4);
  const six = gatewayOf(config, 6);
  const asks = (key: string) => isTrue(config[key] || 'true');
  const dns = (config['dns.mode'] || 'managed') !== 'none';
  const dhcp4 = four !== undefined && asks('ipv4.dhcp');
  const dhcp6 = six !== undefined && asks('ipv6.dhcp');
  if (!network.joined || (!dhcp4 && !dhcp6 && (!dns || (four ?? six) === undefined))) return undefined;
  const domain = domainOf(network);
  return [
    `interface=${name}`,
    'except-interface=lo',
    'bind-interfaces',
    `pid-file=${files.pid}`,
    ...(dns
      ? [
          `domain=${domain}`,
          `local=/${domain}/`,
          `addn-hosts=${files.hosts}`,
          'no-hosts',
          `interface-name=_gateway.${domain},${name}`,
        ]
      : ['port=0']),
    ...(dhcp4 || dhcp6 ? ['dhcp-authoritative', 'leasefile-ro', `dhcp-hostsfile=${files.leases}`] : []),
    ...(dhcp4 ? fourLines(network, four) : []),
    ...(dhcp6 ? sixLines(network, six) : []),
    '',
  ].join('\n');
}

function fourLines(network: NetworkDeclaration, gateway: Cidr): readonly string[] {
  const { config } = network;
  const mtu = mtuOf(network);
  const router = config['ipv4.dhcp.gateway'];
  const search = wordsOf(config, 'dns.search');
  return [
    `dhcp-range=${networkOf(gateway).split('/')[0]},static,${maskOf(gateway.prefix)},${expiry(config, 4)}`,
    'dhcp-no-override',
    ...(router ? [`dhcp-option=option:router,${word('ipv4.dhcp.gateway', router)}`] : []),
    ...(mtu === undefined ? [] : [`dhcp-option-force=option:mtu,${mtu}`]),
    ...(search.length === 0 ? [] : [`dhcp-option=option:domain-search,${search.join(',')}`]),
  ];
}

function sixLines({ config }: NetworkDeclaration, gateway: Cidr): readonly string[] {
  const stateful = isTrue(config['ipv6.dhcp.stateful']);
  const first = networkOf(gateway).split('/')[0];
  const mode = stateful ? 'static,64' : 'ra-stateless';
  return ['enable-ra', `dhcp-range=${first},${mode},${expiry(config, 6)}`];
}

const expiry = (config: NetworkDeclaration['config'], family: 4 | 6): string =>
  word(`ipv${family}.dhcp.expiry`, config[`ipv${family}.dhcp.expiry`] || '1h');

export const domainOf = ({ config }: NetworkDeclaration): string => word('dns.domain', config['dns.domain'] || 'lxd');

/** One card a line. */
export const leasesFile = (cards: readonly Card[]): string =>
  cards
    .map(
      ({ name, mac, addresses }) =>
        `${[mac, ...addresses.map(each => (each.includes(':') ? `[${each}]` : each)), ...(name ? [name] : [])].join(',')}\n`,
    )
    .join('');

/** The names of instances, with the domain and without. */
export const hostsFile = (network: NetworkDeclaration): string =>
  network.cards
    .filter(({ name }) => name !== '')
    .flatMap(({ name, addresses }) => addresses.map(each => `${each} ${name}.${domainOf(network)} ${name}\n`))
    .join('');

const maskOf = (prefix: number): string =>
  [24, 16, 8, 0].map(shift => ((0xffff_ffff_0000_0000n >> BigInt(prefix)) >> BigInt(shift)) & 255n).join('.');
