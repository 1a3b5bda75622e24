/** From what a bridge of ours is to what it should be, as lines for `ip` and `bridge`: pure. */
import { tunnelId } from '../../domain/network.ts';
import {
  bridgeMac,
  externalPorts,
  gatewayOf,
  hasTunnel,
  mtuOf,
  type NetworkDeclaration,
  tunnelName,
  wordsOf,
} from './declaration.ts';

/** No well-known port: another program's tunnels are left alone. */
export const TUNNEL_PORT = 14_789;
/** Marks routes that are ours, for `ip route`. */
export const ROUTE_PROTOCOL = 98;
/** "To everybody": who is where is learnt from what they send. */
export const FLOOD_MAC = '00:00:00:00:00:00';

export interface PresentBridge {
  readonly there: boolean;
  /** Global ones, with their prefixes. */
  readonly addresses: readonly string[];
  readonly ports: readonly string[];
  /** Those that are ours. */
  readonly routes: readonly string[];
  readonly tunnel: boolean;
  readonly peers: readonly string[];
}

export interface Host {
  readonly node: string;
  /** Other hosts know it by this address; undefined when it listens on all. */
  readonly address: string | undefined;
}

/** @param before ports that an earlier declaration had put in. */
export function nextBridge(
  network: NetworkDeclaration,
  present: PresentBridge,
  host: Host,
  before: readonly string[],
): { readonly ip: readonly string[]; readonly fdb: readonly string[] } {
  const { name, config } = network;
  const mtu = mtuOf(network);
  const addresses = [gatewayOf(config, 4), gatewayOf(config, 6)].flatMap(cidr => cidr ?? []);
  const wanted = addresses.map(({ address, prefix }) => `${address}/${prefix}`);
  const ports = externalPorts(config);
  const routes = [...wordsOf(config, 'ipv4.routes'), ...wordsOf(config, 'ipv6.routes')];
  const tunnel = tunnelLines(network, present, host);
  return {
    ip: [
      ...(present.there ? [] : [`link add ${name} type bridge`]),
      `link set ${name} address ${bridgeMac(host.node, network)}`,
      ...tunnel.ip,
      ...before
        .filter(port => !ports.includes(port) && present.ports.includes(port))
        .map(port => `link set ${port} nomaster`),
      ...ports.map(port => `link set ${port} master ${name} up`),
      ...(mtu === undefined ? [] : [`link set ${name} mtu ${mtu}`]),
      ...present.addresses.filter(each => !wanted.includes(each)).map(each => `address del ${each} dev ${name}`),
      // nodad: other hosts have it too, on purpose.
      ...wanted.map(each => `address replace ${each} dev ${name}${each.includes(':') ? ' nodad' : ''}`),
      `link set ${name} up`,
      ...present.routes
        .filter(each => !routes.includes(each))
        .map(each => `route del ${each} dev ${name} proto ${ROUTE_PROTOCOL}`),
      ...routes.map(each => `route replace ${each} dev ${name} proto ${ROUTE_PROTOCOL}`),
    ],
    fdb: tunnel.fdb,
  };
}

function tunnelLines(network: NetworkDeclaration, present: PresentBridge, { address }: Host) {
  const { name, peers } = network;
  const tunnel = tunnelName(name);
  if (!hasTunnel(network)) return { ip: present.tunnel ? [`link del ${tunnel}`] : [], fdb: [] };
  const local = address === undefined ? '' : ` local ${address}`;
  const entry = (verb: string, peer: string) => `fdb ${verb} ${FLOOD_MAC} dev ${tunnel} dst ${peer}`;
  return {
    ip: [
      ...(present.tunnel ? [] : [`link add ${tunnel} type vxlan id ${tunnelId(name)} dstport ${TUNNEL_PORT}${local}`]),
      `link set ${tunnel} mtu ${mtuOf(network)}`,
      `link set ${tunnel} master ${name} up`,
    ],
    fdb: [
      ...present.peers.filter(peer => !peers.includes(peer)).map(peer => entry('del', peer)),
      ...peers.filter(peer => !present.peers.includes(peer)).map(peer => entry('append', peer)),
    ],
  };
}
