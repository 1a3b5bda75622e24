/** What one network is on this host, for `network info`. */
import { readdirSync, readFileSync } from 'node:fs';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { checkNetworkName } from '../../domain/names.ts';
import type { NetworkStateSchema } from '../../rpc/gen/berth/agent/v1/network_pb.ts';
import { addressesOf, isBridge, isThere, waysOut } from './present.ts';

type NetworkState = MessageInitShape<typeof NetworkStateSchema>;

export async function networkState(name: string, ours: boolean): Promise<NetworkState> {
  const routes = [...(await waysOut())];
  if (!isThere(checkNetworkName(name))) return { routes };
  const number = (file: string) => BigInt(read(`${name}/${file}`));
  const addresses = await addressesOf(name);
  return {
    there: true,
    isBridge: isBridge(name),
    ours,
    routes,
    hwaddr: read(`${name}/address`),
    mtu: Number(number('mtu')),
    up: (Number(read(`${name}/flags`)) & 1) === 1, // IFF_UP
    addresses: addresses.map(({ family, local, prefixlen, scope }) => ({
      family,
      address: local,
      netmask: `${prefixlen}`,
      scope,
    })),
    bytesReceived: number('statistics/rx_bytes'),
    bytesSent: number('statistics/tx_bytes'),
    packetsReceived: number('statistics/rx_packets'),
    packetsSent: number('statistics/tx_packets'),
    ...(isBridge(name) ? { bridge: bridgeState(name) } : {}),
  };
}

function bridgeState(name: string): NonNullable<NetworkState['bridge']> {
  const file = (key: string) => read(`${name}/bridge/${key}`, '0');
  return {
    id: file('bridge_id'),
    stp: file('stp_state') !== '0',
    forwardDelay: BigInt(file('forward_delay')), // hundredths of a second, as LXD shows them
    vlanDefault: Number(file('default_pvid')),
    vlanFiltering: file('vlan_filtering') !== '0',
    upperDevices: readdirSync(`/sys/class/net/${name}/brif`),
  };
}

function read(file: string, otherwise = ''): string {
  try {
    return readFileSync(`/sys/class/net/${file}`, 'utf8').trim();
  } catch {
    return otherwise;
  }
}
