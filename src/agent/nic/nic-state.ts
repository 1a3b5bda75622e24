/**
 * The interfaces of a running container as `info` shows them. What we made is read on the host's side, where the guest
 * cannot lie; names, addresses and interfaces of the guest's own come from /proc/PID/net, which is its namespace's.
 */

import { readFileSync } from 'node:fs';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { NicStateSchema } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Nic } from './plan.ts';
import { addressesIn, countersIn, type InterfaceAddress } from './proc-net.ts';

type NicState = MessageInitShape<typeof NicStateSchema>;

/** By name inside. @param pid of its init, in the host's numbers */
export function nicStates(pid: number, nics: readonly Nic[]): Record<string, NicState> {
  const read = (file: string) => textOf(`/proc/${pid}/net/${file}`);
  const addresses = addressesIn({
    fibTrie: read('fib_trie'),
    route: read('route'),
    ifInet6: read('if_inet6'),
  });
  return Object.fromEntries(
    countersIn(read('dev')).map(counters => {
      const { name } = counters;
      const nic = nics.find(each => each.name === name);
      const mine = addresses.filter(each => each.name === name).map(toMessage);
      const type = name === 'lo' ? 'loopback' : 'broadcast';
      return [name, { ...counters.message, addresses: mine, type, ...(nic ? ofPair(nic) : { state: 'up' }) }];
    }),
  );
}

/** A veth's carrier is up while its other end is. */
function ofPair(nic: Nic): NicState {
  if (nic.kind === 'macvlan') return { hwaddr: nic.mac, state: 'up' };
  const read = (file: string) => textOf(`/sys/class/net/${nic.host}/${file}`).trim();
  return {
    hwaddr: nic.mac,
    hostName: nic.host,
    mtu: Number(read('mtu')),
    state: read('carrier') === '1' ? 'up' : 'down',
  };
}

const toMessage = ({ family, address, prefix, scope }: InterfaceAddress) => ({
  family,
  address,
  netmask: String(prefix),
  scope,
});

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
