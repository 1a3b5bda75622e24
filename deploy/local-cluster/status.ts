/** What of a local cluster is alive, as a table for people. */
import type { Member } from './api.ts';
import { openApi } from './api.ts';
import type { Cluster } from './cluster.ts';
import { isAlive, type ProcessId } from './process.ts';

/** Lines to print; the members' own status is what the controller says, if it answers. */
export async function statusLines(cluster: Cluster): Promise<readonly string[]> {
  const { state } = cluster;
  const members = await membersOf(cluster);
  const rows: readonly (readonly string[])[] = [
    ...Object.entries(state.etcd).map(([member, id]) => [
      `etcd e${Number(member) + 1}`,
      cluster.etcdEndpoints[Number(member)]!,
      life(id),
    ]),
    ['controller', cluster.url, `${life(state.controller)}${members === undefined ? ', does not answer' : ''}`],
    ...cluster.hosts.flatMap(({ name, address }) => [
      [`host ${name}`, address, life(state.hosts[name]?.holder)],
      [`  lxcfs`, '', life(state.hosts[name]?.lxcfs)],
      [`  agent`, `${address}:8444`, `${life(state.agents[name])}, ${statusOf(members, name)}`],
    ]),
  ];
  const widths = [0, 1].map(column => Math.max(...rows.map(row => row[column]!.length)));
  return [
    `${cluster.dir} (slot ${state.slot}, ${state.storage})`,
    ...rows.map(([what, where, how]) => `${what!.padEnd(widths[0]!)}  ${where!.padEnd(widths[1]!)}  ${how}`),
  ];
}

function life(id: ProcessId | undefined): string {
  if (id === undefined) return 'never started';
  return isAlive(id) ? `runs (${id.pid})` : 'DEAD';
}

function statusOf(members: readonly Member[] | undefined, name: string): string {
  const member = members?.find(each => each.server_name === name);
  return member ? `${member.status}${member.message ? `: ${member.message}` : ''}` : 'status unknown';
}

async function membersOf(cluster: Cluster): Promise<readonly Member[] | undefined> {
  const api = openApi(cluster.socketPath);
  try {
    return await api.get<readonly Member[]>('/1.0/cluster/members', { recursion: 1 });
  } catch {
    return undefined;
  } finally {
    api.close();
  }
}
