import type { Instance, InstanceState, NetworkState } from '../api/instance.ts';
import { binarySize, dateTime } from '../render/quantity.ts';
import { drawTableText } from '../render/table.ts';

/** `berth info INSTANCE`, line by line as LXD's client has it. */
export async function renderInstanceInfo(instance: Instance, clustered: boolean): Promise<string> {
  const { state } = instance;
  const lines = [
    `Name: ${instance.name}`,
    ...(instance.description ? [`Description: ${instance.description}`] : []),
    `Status: ${instance.status.toUpperCase()}`,
    `Type: ${instance.type}${instance.ephemeral ? ' (ephemeral)' : ''}`,
    `Architecture: ${instance.architecture}`,
    ...(clustered && instance.location ? [`Location: ${instance.location}`] : []),
    ...(state?.pid ? [`PID: ${state.pid}`] : []),
    ...titled('Created', dateTime(instance.created_at)),
    ...titled('Last Used', dateTime(instance.last_used_at)),
    ...(state?.pid ? ['', 'Resources:', ...indent(resources(state))] : []),
  ];
  const snapshots = instance.snapshots ?? [];
  if (snapshots.length > 0) {
    const rows = snapshots.map(s => [
      s.name.slice(s.name.lastIndexOf('/') + 1),
      dateTime(s.created_at) ?? '',
      dateTime(s.expires_at) ?? '',
      s.stateful ? 'YES' : 'NO',
    ]);
    lines.push('', 'Snapshots:', await drawTableText(['NAME', 'TAKEN AT', 'EXPIRES AT', 'STATEFUL'], rows));
  }
  return lines.join('\n');
}

function resources(state: InstanceState): readonly string[] {
  const { memory } = state;
  const disks = Object.entries(state.disk ?? {}).filter(([, disk]) => disk.usage > 0);
  return [
    `Processes: ${state.processes}`,
    ...section(
      'Disk usage:',
      disks.map(([name, disk]) => `${name}: ${binarySize(disk.usage)}`),
    ),
    ...section('CPU usage:', [`CPU usage (in seconds): ${Math.floor((state.cpu?.usage ?? 0) / 1e9)}`]),
    ...section('Memory usage:', [
      ...size('Memory (current)', memory?.usage),
      ...size('Memory (peak)', memory?.usage_peak),
      ...size('Swap (current)', memory?.swap_usage),
      ...size('Swap (peak)', memory?.swap_usage_peak),
    ]),
    ...section(
      'Network usage:',
      Object.entries(state.network ?? {}).flatMap(([name, nic]) => [`${name}:`, ...indent(card(nic))]),
    ),
  ];
}

function card(nic: NetworkState): readonly string[] {
  const { counters } = nic;
  return [
    `Type: ${nic.type}`,
    `State: ${nic.state.toUpperCase()}`,
    ...titled('Host interface', nic.host_name),
    ...titled('MAC address', nic.hwaddr),
    `MTU: ${nic.mtu}`,
    `Bytes received: ${binarySize(counters.bytes_received ?? 0)}`,
    `Bytes sent: ${binarySize(counters.bytes_sent ?? 0)}`,
    `Packets received: ${counters.packets_received ?? 0}`,
    `Packets sent: ${counters.packets_sent ?? 0}`,
    'IP addresses:',
    ...indent((nic.addresses ?? []).map(a => `${`${a.family}:`.padEnd(6)} ${a.address}/${a.netmask} (${a.scope})`)),
  ];
}

function size(title: string, bytes: number | undefined): readonly string[] {
  return bytes ? [`${title}: ${binarySize(bytes)}`] : [];
}

function titled(title: string, value: string | undefined): readonly string[] {
  return value ? [`${title}: ${value}`] : [];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...indent(lines)];
}

function indent(lines: readonly string[]): readonly string[] {
  return lines.map(line => `  ${line}`);
}
