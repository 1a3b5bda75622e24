/** Kernel settings that networks need: the host passes packets on, and a bridge believes no router among its instances. */
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { Config } from '../../domain/instance.ts';
import { isTrue } from '../../domain/values.ts';
import { isSet } from './declaration.ts';

/** Never taken back: others may rely on it by then. */
export async function letThrough(config: Config): Promise<void> {
  if (isSet(config, 'ipv4.address') && !isOff(config, 4)) await set('ipv4/ip_forward', '1');
  if (!isSet(config, 'ipv6.address') || isOff(config, 6)) return;
  // A host that passes IPv6 on no longer listens to its own router, unless told to (2).
  for (const link of readdirSync('/proc/sys/net/ipv6/conf')) {
    const file = `ipv6/conf/${link}/accept_ra`;
    if ((await read(file)) === '1') await set(file, '2');
  }
  await set('ipv6/conf/all/forwarding', '1');
}

const isOff = (config: Config, family: 4 | 6): boolean => !isTrue(config[`ipv${family}.routing`] || 'true');

export async function quietBridge(name: string): Promise<void> {
  for (const key of ['accept_ra', 'autoconf', 'accept_dad']) await set(`ipv6/conf/${name}/${key}`, '0').catch(() => {}); // no IPv6 here
}

const read = async (key: string) => (await readFile(`/proc/sys/net/${key}`, 'utf8').catch(() => '')).trim();

async function set(key: string, value: string): Promise<void> {
  if ((await read(key)) !== value) await writeFile(`/proc/sys/net/${key}`, value);
}
