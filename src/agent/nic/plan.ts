/**
 * Which NICs an instance has: pure. Names on the host follow from instance and device, so that every verb, the plug
 * script and a restarted agent mean the same interface. MAC and address come from the controller and stay with the
 * instance on every host.
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { fail } from '../../domain/errors.ts';
import type { Config, Devices } from '../../domain/instance.ts';
import { checkNetworkName } from '../../domain/names.ts';
import { NIC_KINDS, type NicKind, nicKind, nics } from '../../domain/nic.ts';
import { parseBitRate } from '../../domain/size.ts';
import { isTrue } from '../../domain/values.ts';
import type { CardRules } from './next-card-rules.ts';

interface NicAddress {
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string | undefined;
}

export interface Nic {
  readonly device: string;
  readonly kind: NicKind;
  /** The end that stays on the host. */
  readonly host: string;
  /** Inside. */
  readonly name: string;
  /** Or the interface that a macvlan shares; '' = none. */
  readonly bridge: string;
  readonly mac: string;
  /** Undefined: the bridge's. */
  readonly mtu: number | undefined;
  readonly addresses: readonly NicAddress[];
  readonly rules: CardRules;
}

export interface NicOwner {
  readonly id: string;
  readonly config: Config;
  readonly devices: Devices;
}

/** @throws AppError `invalid` or `unsupported`, naming the device */
export function planNics({ id, config, devices }: NicOwner, defaultBridge: string): readonly Nic[] {
  const planned = nics(devices, config).map(({ device, network, name }) => {
    const options = devices[device]!;
    const volatile = (key: string) => config[`volatile.${device}.${key}`] || undefined;
    const kind = nicKind(options);
    if (!NIC_KINDS.some(each => each === (options.nictype || kind))) {
      fail('unsupported', `device "${device}": nictype "${options.nictype}" is not supported`);
    }
    return {
      device,
      kind,
      host: `v${createHash('sha256').update(`${id}/${device}`).digest('hex').slice(0, 8)}`,
      name: checkNetworkName(name),
      bridge: kind === 'p2p' ? '' : checkNetworkName(network || defaultBridge),
      mac: macOf(device, options.hwaddr || volatile('hwaddr')),
      mtu: mtuOf(device, options.mtu),
      addresses: [4, 6].flatMap(family => {
        const own = (key: string) => volatile(`ipv${family}.${key}`);
        const address = own('address') ?? options[`ipv${family}.address`];
        return address === undefined || address === '' || address === 'none'
          ? []
          : [addressOf(device, family, address, own('prefix'), own('gateway'))];
      }),
      rules: rulesOf(options),
    };
  });
  const twice = planned.find((nic, index) => planned.findIndex(other => other.name === nic.name) !== index);
  if (twice) fail('invalid', `device "${twice.device}": another NIC is called ${twice.name} too`);
  return planned;
}

function rulesOf(options: Config): CardRules {
  const rate = (key: string) => {
    const text = options[`limits.${key}`] || options['limits.max'];
    return text ? parseBitRate(`limits.${key}`, text) : undefined;
  };
  const on = (key: string) => isTrue(options[`security.${key}_filtering`]);
  // Who may speak for itself only by address could still do so by another's MAC.
  return {
    ingress: rate('ingress'),
    egress: rate('egress'),
    mac: on('mac') || on('ipv4') || on('ipv6'),
    ipv4: on('ipv4'),
    ipv6: on('ipv6'),
  };
}

function macOf(device: string, mac: string | undefined): string {
  if (mac === undefined) fail('invalid', `device "${device}": it has no MAC (volatile.${device}.hwaddr)`);
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) fail('invalid', `device "${device}": "${mac}" is not a MAC`);
  return mac.toLowerCase();
}

function mtuOf(device: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const mtu = Number(text);
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65_535)
    fail('invalid', `device "${device}": "${text}" is not an MTU`);
  return mtu;
}

function addressOf(
  device: string,
  family: number,
  text: string,
  prefixText: string | undefined,
  gateway: string | undefined,
): NicAddress {
  const [address = '', own] = text.split('/');
  const prefix = Number(own ?? prefixText ?? (family === 4 ? 24 : 64));
  const valid =
    isIP(address) === family && Number.isInteger(prefix) && prefix >= 0 && prefix <= (family === 4 ? 32 : 128);
  if (!valid) fail('invalid', `device "${device}": "${text}" is not an IPv${family} address`);
  if (gateway !== undefined && isIP(gateway) !== family) {
    fail('invalid', `device "${device}": gateway "${gateway}" is not an IPv${family} address`);
  }
  return { address, prefix, gateway };
}
