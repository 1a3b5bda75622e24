/** LXD's state object: what an instance uses and which addresses it has, as its host sees it now. */
import type { Seen } from '../../domain/instance.ts';
import type { InstanceState, NicState } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { INSTANCE_STATUS, STATUS_TEXT } from './status.ts';

/** @param state what the host said; undefined when the instance is stopped, or its host does not answer. */
export function shownState(seen: Seen, state: InstanceState | undefined) {
  const told = state?.status?.state;
  const code = INSTANCE_STATUS[isSeen(told) ? told : seen];
  return {
    status: STATUS_TEXT[code],
    status_code: code,
    pid: Number(state?.status?.pid ?? 0),
    processes: state?.processes ?? 0,
    cpu: { usage: Number(state?.cpuNs ?? 0) },
    memory: {
      usage: Number(state?.memoryBytes ?? 0),
      usage_peak: Number(state?.memoryPeakBytes ?? 0),
      swap_usage: Number(state?.swapBytes ?? 0),
      swap_usage_peak: Number(state?.swapPeakBytes ?? 0),
    },
    disk: mapValues(state?.diskBytes ?? {}, bytes => ({ usage: Number(bytes) })),
    network: state === undefined || code === INSTANCE_STATUS.stopped ? null : mapValues(state.nics, shownNic),
  };
}

function shownNic(nic: NicState) {
  return {
    addresses: nic.addresses.map(({ family, address, netmask, scope }) => ({ family, address, netmask, scope })),
    counters: {
      bytes_received: Number(nic.bytesReceived),
      bytes_sent: Number(nic.bytesSent),
      packets_received: Number(nic.packetsReceived),
      packets_sent: Number(nic.packetsSent),
      errors_received: Number(nic.errorsReceived),
      errors_sent: Number(nic.errorsSent),
      packets_dropped_outbound: Number(nic.droppedOutbound),
      packets_dropped_inbound: Number(nic.droppedInbound),
    },
    hwaddr: nic.hwaddr,
    host_name: nic.hostName,
    mtu: nic.mtu,
    state: nic.state,
    type: nic.type,
  };
}

function isSeen(state: string | undefined): state is Seen {
  return state !== undefined && Object.hasOwn(INSTANCE_STATUS, state);
}

function mapValues<T, U>(map: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}
