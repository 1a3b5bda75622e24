/** The keys a network may have. LXD's names; what our bridges do not do is refused by name, not ignored. */
import { fail } from '../../../domain/errors.ts';
import { contains, parseCidr } from '../../../domain/ip.ts';
import type { NetworkRecord } from '../../../domain/network.ts';
import {
  anything,
  boolean,
  integer,
  interfaceName,
  ipv4,
  ipv6,
  macAddress,
  oneOf,
  type ValueCheck,
  wrong,
} from '../../../domain/values.ts';
import { subnetOf } from '../../instances/ipv4.ts';

const listOf =
  (check: ValueCheck): ValueCheck =>
  (key, value) => {
    for (const each of value.split(',')) check(key, each.trim());
  };
const cidr =
  (family: 4 | 6): ValueCheck =>
  (key, value) => {
    if (parseCidr(value)?.family !== family) wrong(key, value, `is not an IPv${family} network with its prefix`);
  };
const addressOrNone =
  (family: 4 | 6): ValueCheck =>
  (key, value) => {
    if (value !== 'none') cidr(family)(key, value);
  };
const expiry: ValueCheck = (key, value) => {
  if (!/^(\d+[smhd]?|infinite)$/.test(value)) wrong(key, value, 'is not a time like 1h, 30m or infinite');
};
const domain: ValueCheck = (key, value) => {
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/.test(value)) wrong(key, value, 'is not a domain name');
};
const refused =
  (why: string): ValueCheck =>
  key =>
    fail('unsupported', `"${key}" is not supported: ${why}`);

const family = (digit: 4 | 6): Readonly<Record<string, ValueCheck>> => {
  const key = (rest: string) => `ipv${digit}.${rest}`;
  const address = digit === 4 ? ipv4 : ipv6;
  return {
    [key('address')]: addressOrNone(digit),
    [key('nat')]: boolean,
    [key('nat.address')]: address,
    [key('nat.order')]: oneOf('before', 'after'),
    [key('dhcp')]: boolean,
    [key('dhcp.expiry')]: expiry,
    [key('routing')]: boolean,
    [key('routes')]: listOf(cidr(digit)),
    [key('firewall')]: (name, value) => {
      boolean(name, value);
      if (['false', '0', 'no', 'off'].includes(value))
        refused('its rules keep the gateway of each host apart; they stay')(name, value);
    },
  };
};

const KEYS: Readonly<Record<string, ValueCheck>> = {
  ...family(4),
  ...family(6),
  'ipv4.ranges': anything, // checked below, with the address
  'ipv4.dhcp.ranges': anything,
  'ipv4.dhcp.gateway': ipv4,
  'ipv6.dhcp.stateful': boolean,
  'ipv6.dhcp.ranges': refused(
    'instances derive their address from their MAC; give a card ipv6.address to choose another',
  ),
  'bridge.mtu': integer(1280, 65_535),
  'bridge.hwaddr': macAddress,
  'bridge.driver': (key, value) => {
    if (value !== 'native') refused('bridges are those of the kernel (native)')(key, value);
  },
  'bridge.mode': (key, value) => {
    if (value !== 'standard') refused('hosts are joined by tunnels of our own (standard)')(key, value);
  },
  'bridge.external_interfaces': listOf(interfaceName),
  'dns.domain': domain,
  'dns.mode': (key, value) => {
    if (value === 'dynamic') refused('names are those of the instances; use managed')(key, value);
    oneOf('managed', 'none')(key, value);
  },
  'dns.search': listOf(domain),
  'raw.dnsmasq': refused('it would let the API write files and run programs on hosts'),
};

/** Whole families that LXD has, with why there are none here. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^(fan|tunnel)\./, 'hosts are joined by tunnels of our own'],
  [/^(bgp|maas)\./, 'neither BGP nor MAAS is spoken'],
  [/^security\.acls/, 'there are no network ACLs'],
  [/^ipv[46]\.ovn\./, 'there is no OVN'],
  [/^dns\.zone\./, 'there are no DNS zones'],
];

/** @throws AppError naming the key. */
export function checkNetworkConfig(network: Pick<NetworkRecord, 'name' | 'config' | 'joined'>): void {
  const { config } = network;
  for (const [key, value] of Object.entries(config)) {
    if (key.startsWith('user.')) continue;
    const why = REFUSED.find(([keys]) => keys.test(key))?.[1];
    if (why !== undefined) refused(why)(key, value);
    const check = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (check === undefined)
      fail('invalid', `Unknown configuration key for a network: "${key}" (known: ${Object.keys(KEYS).join(', ')})`);
    check(key, value);
  }
  subnetOf(network);
  checkTogether(network);
}

/** Of bridges that we did not make, only these are ours to say. */
const OF_FOREIGN =
  /^(ipv4\.(address|ranges|dhcp\.ranges|nat|dhcp)|ipv6\.address|bridge\.(mtu|external_interfaces|driver|mode)|user\..*)$/;

function checkTogether({ name, config, joined }: Pick<NetworkRecord, 'name' | 'config' | 'joined'>): void {
  const six = parseCidr(config['ipv6.address'] ?? '');
  if (six !== undefined && six.prefix !== 64)
    wrong('ipv6.address', config['ipv6.address']!, 'is not a /64, in which instances find their address by their MAC');
  if (config['ipv4.ranges'] && config['ipv4.dhcp.ranges'])
    fail('invalid', `Network "${name}": ipv4.ranges and ipv4.dhcp.ranges are the same; give one`);
  for (const digit of [4, 6]) {
    const gateway = parseCidr(config[`ipv${digit}.address`] ?? '');
    for (const rest of ['nat.address', 'dhcp.gateway', 'routes']) {
      const key = `ipv${digit}.${rest}`;
      if (config[key] && gateway === undefined) fail('invalid', `"${key}" needs ipv${digit}.address`);
    }
    const router = config[`ipv${digit}.dhcp.gateway`];
    if (router && gateway && !contains(gateway, router))
      wrong(`ipv${digit}.dhcp.gateway`, router, `is not in ${config[`ipv${digit}.address`]}`);
  }
  if (joined) return;
  const foreign = Object.keys(config).find(key => !OF_FOREIGN.test(key));
  if (foreign !== undefined)
    fail(
      'invalid',
      `"${foreign}": bridge "${name}" was on the hosts before; what it serves is its owner's (Berth serves networks whose bridges it makes: choose another name)`,
    );
  if (parseCidr(config['ipv6.address'] ?? '') !== undefined)
    fail('unsupported', `"ipv6.address": bridge "${name}" was on the hosts before; only "none" is supported for it`);
}
