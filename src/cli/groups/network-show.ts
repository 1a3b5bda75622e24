import type { Command } from 'commander';
import { at } from '../api/path.ts';
import { binarySize } from '../render/quantity.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';
import type { Session } from '../session.ts';

interface NetworkState {
  readonly hwaddr: string;
  readonly mtu: number;
  readonly state: string;
  readonly type: string;
  readonly addresses: readonly {
    readonly family: string;
    readonly address: string;
    readonly netmask: string;
    readonly scope: string;
  }[];
  readonly bridge?: {
    readonly id: string;
    readonly stp: boolean;
    readonly forward_delay: number;
    readonly vlan_default: number;
    readonly vlan_filtering: boolean;
    readonly upper_devices: readonly string[] | null;
  } | null;
  readonly counters: Readonly<Record<'bytes_received' | 'bytes_sent' | 'packets_received' | 'packets_sent', number>>;
}

interface Lease {
  readonly hostname: string;
  readonly hwaddr: string;
  readonly address: string;
  readonly type: string;
  readonly location: string;
}

/** `network info` and `network list-leases`. */
export function defineNetworkShow(group: Command, session: Session): void {
  group
    .command('info')
    .description('Show the addresses and counters of a network')
    .argument('<network>')
    .option('--target <host>', 'as it is on this host')
    .action(async (reference: string, { target }: { target?: string }) => {
      const { client, name } = await session.resolve(reference);
      session.print(infoText(name, await client.get<NetworkState>(at`networks/${name}/state`, { target })));
    });
  group
    .command('list-leases')
    .description('List who has which address')
    .argument('<network>')
    .addOption(formatOption())
    .action(async (reference: string, { format }: { format: Format }) => {
      const { client, name } = await session.resolve(reference);
      const leases = await client.get<readonly Lease[]>(at`networks/${name}/leases`);
      const headers = ['HOSTNAME', 'MAC ADDRESS', 'IP ADDRESS', 'TYPE', 'LOCATION'];
      const rows = leases.map(lease => [
        lease.hostname,
        lease.hwaddr,
        lease.address,
        lease.type.toUpperCase(),
        lease.location,
      ]);
      session.print(await renderList({ headers, rows, raw: leases }, format));
    });
}

/** Pure. As LXD's client shows it. */
function infoText(name: string, { hwaddr, mtu, state, type, addresses, counters, bridge }: NetworkState): string {
  return [
    `Name: ${name}`,
    `MAC address: ${hwaddr}`,
    `MTU: ${mtu}`,
    `State: ${state}`,
    `Type: ${type}`,
    ...(addresses.length === 0 ? [] : ['', 'IP addresses:']),
    ...addresses.map(each => `  ${each.family}\t${each.address}/${each.netmask} (${each.scope})`),
    '',
    'Network usage:',
    `  Bytes received: ${binarySize(counters.bytes_received)}`,
    `  Bytes sent: ${binarySize(counters.bytes_sent)}`,
    `  Packets received: ${counters.packets_received}`,
    `  Packets sent: ${counters.packets_sent}`,
    ...(bridge
      ? [
          '',
          'Bridge:',
          `  ID: ${bridge.id}`,
          `  STP: ${bridge.stp}`,
          `  Forward delay: ${bridge.forward_delay}`,
          `  Default VLAN ID: ${bridge.vlan_default}`,
          `  VLAN filtering: ${bridge.vlan_filtering}`,
          `  Upper devices: ${(bridge.upper_devices ?? []).join(', ')}`,
        ]
      : []),
  ].join('\n');
}
