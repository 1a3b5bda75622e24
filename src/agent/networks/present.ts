/** What a bridge is now, as `ip` and `bridge` tell it. */
import { existsSync } from 'node:fs';
import { run } from '../command.ts';
import { tunnelName } from './declaration.ts';
import { FLOOD_MAC, type PresentBridge, ROUTE_PROTOCOL } from './next-bridge.ts';

interface Address {
  readonly family: string;
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
}

interface Link {
  readonly ifname: string;
  readonly addr_info?: readonly Address[];
}

export const isBridge = (name: string): boolean => existsSync(`/sys/class/net/${name}/bridge`);
export const isThere = (name: string): boolean => existsSync(`/sys/class/net/${name}`);

export async function presentBridge(name: string): Promise<PresentBridge> {
  const tunnel = tunnelName(name);
  if (!isBridge(name))
    return { there: false, addresses: [], ports: [], routes: [], tunnel: isThere(tunnel), peers: [] };
  const routes = (family: string) =>
    json<{ dst: string }>('ip', family, 'route', 'show', 'dev', name, 'proto', `${ROUTE_PROTOCOL}`);
  const [addresses, ports, four, six, flood] = await Promise.all([
    addressesOf(name),
    json<Link>('ip', 'link', 'show', 'master', name),
    routes('-4'),
    routes('-6'),
    isThere(tunnel) ? json<{ mac: string; dst?: string }>('bridge', 'fdb', 'show', 'dev', tunnel) : [],
  ]);
  return {
    there: true,
    addresses: addresses.filter(({ scope }) => scope === 'global').map(each => `${each.local}/${each.prefixlen}`),
    ports: ports.map(({ ifname }) => ifname),
    routes: [...four, ...six].map(({ dst }) => dst),
    tunnel: isThere(tunnel),
    peers: flood.flatMap(({ mac, dst }) => (mac === FLOOD_MAC && dst !== undefined ? [dst] : [])),
  };
}

export async function addressesOf(name: string): Promise<readonly Address[]> {
  return (await json<Link>('ip', 'address', 'show', 'dev', name)).flatMap(link => link.addr_info ?? []);
}

/** Networks that this host has ways to. */
export async function waysOut(): Promise<readonly string[]> {
  const all = await Promise.all(['-4', '-6'].map(family => json<{ dst: string }>('ip', family, 'route', 'show')));
  return all.flat().flatMap(({ dst }) => (dst === 'default' || dst === undefined ? [] : [dst]));
}

async function json<T>(file: string, ...args: readonly string[]): Promise<readonly T[]> {
  const { stdout } = await run(file, ['-j', ...args], { timeoutMs: 10_000 });
  return stdout.trim() === ''
    ? []
    : (JSON.parse(stdout) as readonly T[]).filter(each => Object.keys(each as object).length > 0);
}
