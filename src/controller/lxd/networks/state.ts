/** `/1.0/networks/N/state`: what the network is on one host, asked now. */
import { fail } from '../../../domain/errors.ts';
import type { NetworkState } from '../../../rpc/gen/berth/agent/v1/network_pb.ts';
import { type Answer, sync } from '../../http/answer.ts';
import type { ApiRequest } from '../../http/request.ts';
import { NODE_STATUS } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { findMember } from '../member.ts';

/** Of the host that is named; else of the first that answers: LXD shows the one that was asked, and here none is. */
export async function answerState(lxd: Lxd, request: ApiRequest, name: string): Promise<Answer> {
  const { target } = request.query;
  const node = target ? findMember(lxd.view, target).value.name : firstOnline(lxd);
  const state = await lxd.agents.of(node).getNetworkState({ name });
  if (!state.there) fail('unavailable', `Network "${name}" is not on host ${node} yet`);
  return sync(shown(state));
}

function firstOnline({ view }: Lxd): string {
  const online = view.list(NODE_STATUS).find(({ value }) => value.state === 'online');
  return online?.value.name ?? fail('unavailable', 'No host answers just now');
}

function shown(state: NetworkState) {
  const { bridge } = state;
  return {
    addresses: state.addresses.map(({ family, address, netmask, scope }) => ({ family, address, netmask, scope })),
    counters: {
      bytes_received: Number(state.bytesReceived),
      bytes_sent: Number(state.bytesSent),
      packets_received: Number(state.packetsReceived),
      packets_sent: Number(state.packetsSent),
    },
    hwaddr: state.hwaddr,
    mtu: state.mtu,
    state: state.up ? 'up' : 'down',
    type: 'broadcast',
    bond: null,
    bridge: bridge
      ? {
          id: bridge.id,
          stp: bridge.stp,
          forward_delay: Number(bridge.forwardDelay),
          vlan_default: bridge.vlanDefault,
          vlan_filtering: bridge.vlanFiltering,
          upper_devices: bridge.upperDevices,
        }
      : null,
    vlan: null,
    ovn: null,
  };
}
