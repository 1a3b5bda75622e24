/** Network cards as devices: what each kind takes, which card is called how, and what is refused with its reason. */
import type { DeviceKind } from './devices.ts';
import { fail } from './errors.ts';
import type { Config, Devices } from './instance.ts';
import { parseBitRate } from './size.ts';
import { anything, boolean, integer, interfaceName, ipv4, ipv6, macAddress, type ValueCheck, wrong } from './values.ts';

/** bridged: on a bridge. macvlan: beside the host on one of its interfaces. p2p: a cable to the host, and nothing more. */
export const NIC_KINDS = ['bridged', 'macvlan', 'p2p'] as const;
export type NicKind = (typeof NIC_KINDS)[number];

const REFUSED: Readonly<Record<string, string>> = {
  physical: 'use macvlan, which leaves the interface to the host',
  ipvlan: 'use macvlan, or bridged with security.mac_filtering',
  sriov: 'virtual functions belong to one host; use macvlan',
  routed: 'use bridged with security.ipv4_filtering',
  ovn: 'there is no OVN; networks are bridges',
};

const nictype: ValueCheck = (key, value) => {
  if (Object.hasOwn(REFUSED, value)) fail('unsupported', `"${key}": ${value} is not supported: ${REFUSED[value]}`);
  if (!NIC_KINDS.some(each => each === value)) wrong(key, value, `is not one of ${NIC_KINDS.join(', ')}`);
};

const bitRate: ValueCheck = (key, value) => void parseBitRate(key, value);

const refused =
  (why: string): ValueCheck =>
  key =>
    fail('unsupported', `"${key}" is not supported: ${why}`);

/** LXD's other options. */
const NOT_HERE: Readonly<Record<string, ValueCheck>> = {
  host_name: refused('each host names the outer end itself, the same on all'),
  vlan: refused('bridges here know no VLANs; make a bridge for each'),
  'vlan.tagged': refused('bridges here know no VLANs; make a bridge for each'),
  gvrp: refused('bridges here know no VLANs'),
  'queue.tx.length': refused('it is that of the kernel'),
  'boot.priority': refused('only virtual machines start from a card'),
  'security.port_isolation': refused('use a network for each group of instances'),
  'ipv4.routes': refused('set ipv4.routes of the network'),
  'ipv6.routes': refused('set ipv6.routes of the network'),
  'ipv4.routes.external': refused('there is no OVN and no BGP'),
  'ipv6.routes.external': refused('there is no OVN and no BGP'),
  'maas.subnet.ipv4': refused('there is no MAAS'),
  'maas.subnet.ipv6': refused('there is no MAAS'),
  'security.acls': refused('there are no network ACLs'),
};

/** What only a bridge of the host can see to. */
const OF_BRIDGED = [
  'limits.ingress',
  'limits.egress',
  'limits.max',
  'security.mac_filtering',
  'security.ipv4_filtering',
  'security.ipv6_filtering',
];

export const NIC: DeviceKind = {
  options: {
    nictype,
    network: anything,
    parent: interfaceName,
    name: interfaceName,
    hwaddr: macAddress,
    mtu: integer(68, 65_535),
    'ipv4.address': ipv4,
    /** Of a network of 64 bits; on a network of the cluster no two instances have the same. */
    'ipv6.address': ipv6,
    'limits.ingress': bitRate,
    'limits.egress': bitRate,
    'limits.max': bitRate,
    'security.mac_filtering': boolean,
    'security.ipv4_filtering': boolean,
    'security.ipv6_filtering': boolean,
    ...NOT_HERE,
  },
  together: (name, device) => {
    const kind = nicKind(device);
    const lack = (option: string) => fail('invalid', `Device "${name}": "${option}" is missing`);
    if (kind === 'p2p' && (device.network || device.parent))
      fail('invalid', `Device "${name}": a card of nictype p2p has neither network nor parent`);
    if (kind === 'macvlan' && device.network)
      fail('invalid', `Device "${name}": nictype macvlan takes a parent, not a network`);
    if (kind === 'macvlan' && !device.parent) lack('parent');
    if (kind === 'bridged' && !device.network && !device.parent) lack('network');
    if (device.network && device.parent) fail('invalid', `Device "${name}": give network or parent, not both`);
    if (device.parent && !device.nictype)
      fail('invalid', `Device "${name}": a parent needs nictype bridged or macvlan`);
    const foreign = kind === 'bridged' ? undefined : OF_BRIDGED.find(option => device[option]);
    if (foreign) fail('unsupported', `Device "${name}": "${foreign}" works for nictype bridged only`);
    if (device['limits.max'] && (device['limits.ingress'] || device['limits.egress']))
      fail('invalid', `Device "${name}": limits.max is both limits.ingress and limits.egress; give one or the others`);
  },
};

export const nicKind = (device: Config): NicKind => NIC_KINDS.find(each => each === device.nictype) ?? 'bridged';

/** Network cards with the network (or bridge, or interface) they hang on and their name inside. */
export function nics(
  devices: Devices,
  config: Config = {},
): { readonly device: string; readonly network: string; readonly name: string }[] {
  const cards = Object.entries(devices).filter(([, { type }]) => type === 'nic');
  // Who has a name keeps it, by wish or by habit; the others take what is left.
  const habit = (device: string) => config[`volatile.${device}.name`];
  const taken = new Set(cards.flatMap(([, { name }]) => name || []));
  const names = new Map<string, string>();
  for (const [device, { name }] of cards) {
    const kept = habit(device);
    if (name) names.set(device, name);
    else if (kept && !taken.has(kept)) {
      names.set(device, kept);
      taken.add(kept);
    }
  }
  let next = 0;
  return cards.map(([device, { network, parent }]) => {
    while (!names.has(device)) {
      const name = `eth${next++}`;
      if (taken.has(name)) continue;
      names.set(device, name);
      taken.add(name);
    }
    return { device, network: network || parent || '', name: names.get(device)! };
  });
}
