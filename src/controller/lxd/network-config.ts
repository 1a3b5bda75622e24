/** The keys a network may have. LXD's names; what our bridges do not do is refused by name, not ignored. */
import { fail } from '../../domain/errors.ts';
import type { NetworkRecord } from '../../domain/network.ts';
import { boolean, integer, type ValueCheck } from '../../domain/values.ts';
import { subnetOf } from '../instances/ipv4.ts';

const none: ValueCheck = (key, value) => {
  if (value !== 'none') fail('unsupported', `"${key}": only "none" is supported by this version of Berth`);
};
const text: ValueCheck = () => {};

const KEYS: Readonly<Record<string, ValueCheck>> = {
  'ipv4.address': text, // checked below, with the ranges
  'ipv4.ranges': text,
  'ipv4.nat': boolean,
  'ipv4.dhcp': boolean,
  'ipv6.address': none,
  'bridge.mtu': integer(68, 65_535),
  'bridge.external_interfaces': text,
};

/** @throws AppError naming the key. */
export function checkNetworkConfig(network: Pick<NetworkRecord, 'name' | 'config'>): void {
  for (const [key, value] of Object.entries(network.config)) {
    if (key.startsWith('user.')) continue;
    const check = KEYS[key];
    if (check === undefined)
      fail('invalid', `Unknown configuration key for a network: "${key}" (known: ${Object.keys(KEYS).join(', ')})`);
    check(key, value);
  }
  subnetOf(network);
}
