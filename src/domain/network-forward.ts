/** Addresses outside of a network that lead to instances inside: pure. LXD's fields, read and checked once. */
import { isIP } from 'node:net';
import { fail } from './errors.ts';
import type { Config } from './instance.ts';

/** Key `network-forwards/<network>/<listen address>`; written by the network API. */
export interface ForwardRecord {
  readonly network: string;
  readonly listen: string;
  readonly description: string;
  /** `target_address`: where everything goes that no port says otherwise; `user.*`. */
  readonly config: Config;
  readonly ports: readonly ForwardPort[];
}

/** As the user wrote it. */
export interface ForwardPort {
  readonly description: string;
  readonly protocol: 'tcp' | 'udp';
  /** "80", "80,443", "8000-8010". */
  readonly listen_port: string;
  /** As many, or one; '' = the same. */
  readonly target_port: string;
  readonly target_address: string;
}

/** One way in. Without `protocol`: everything. */
export interface ForwardWay {
  readonly listen: string;
  readonly target: string;
  readonly protocol?: 'tcp' | 'udp';
  /** Listen port and the port behind it. */
  readonly ports: readonly (readonly [listen: number, target: number])[];
}

/** @param inside is it an address that instances of the network may have? @throws AppError naming the field */
export function waysOf(
  { listen, config, ports }: ForwardRecord,
  inside: (address: string) => boolean,
): readonly ForwardWay[] {
  const family = isIP(listen);
  const target = (key: string, address: string): string => {
    if (isIP(address) !== family) wrong(key, address, `is not an IPv${family} address, as ${listen} is`);
    if (!inside(address)) wrong(key, address, 'is not an address of the network');
    return address;
  };
  for (const key of Object.keys(config))
    if (key !== 'target_address' && !key.startsWith('user.'))
      fail('invalid', `Unknown configuration key for a forward: "${key}" (known: target_address, user.*)`);
  const taken = new Set<string>();
  const ways = ports.map((port, index): ForwardWay => {
    const key = (field: string) => `ports[${index}].${field}`;
    const from = portsIn(key('listen_port'), port.listen_port);
    const to = port.target_port === '' ? from : portsIn(key('target_port'), port.target_port);
    if (to.length !== 1 && to.length !== from.length)
      wrong(key('target_port'), port.target_port, `are ${to.length} ports for ${from.length}; give as many, or one`);
    for (const each of from) {
      const name = `${port.protocol} ${each}`;
      if (taken.has(name)) wrong(key('listen_port'), port.listen_port, `has ${name}, which another port of it has`);
      taken.add(name);
    }
    const pairs = from.map((each, at) => [each, to.length === 1 ? to[0]! : to[at]!] as const);
    return {
      listen,
      target: target(key('target_address'), port.target_address),
      protocol: port.protocol,
      ports: pairs,
    };
  });
  const rest = config.target_address;
  return rest ? [...ways, { listen, target: target('target_address', rest), ports: [] }] : ways;
}

function portsIn(key: string, text: string): readonly number[] {
  const found = text.split(',').flatMap(part => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (!(first >= 1 && last <= 65_535 && first <= last)) wrong(key, text, 'is not a port, a range or a list of them');
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
  return found;
}

const wrong = (key: string, value: string, why: string): never =>
  fail('invalid', `Invalid value for "${key}": "${value}" ${why}`);
