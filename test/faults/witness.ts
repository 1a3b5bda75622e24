/**
 * What an outsider sees of a local cluster: what etcd says should be, what each host really has, and how they differ.
 * It asks neither controller nor agents, so that it can judge them when they are dead.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../deploy/local-cluster/cluster.ts';
import { DATA_INSIDE, type HostLayout } from '../../deploy/local-cluster/layout.ts';
import { isSettled } from '../../src/controller/saga/saga-log.ts';
import { ALLOCATIONS, INSTANCES, LOCKS, SAGAS } from '../../src/controller/spaces.ts';
import type { InstanceRecord } from '../../src/domain/instance.ts';
import { openEtcdStore } from '../../src/store/etcd-store.ts';
import { openView, type View } from '../../src/store/view.ts';

export interface Witness {
  readonly view: View;
  /** One sentence each; none: etcd and all hosts agree, nothing is at work, nothing is left over. */
  differences(): readonly string[];
  /** The data folder of a host, as it looks inside. */
  inside(host: string): string;
  close(): Promise<void>;
}

export async function openWitness(cluster: Cluster): Promise<Witness> {
  const store = openEtcdStore({ endpoints: cluster.etcdEndpoints });
  const closed = new AbortController();
  const view = await openView(store, ['instances/', 'allocations/', 'locks/', 'sagas/'], closed.signal);
  const rootOf = (host: string) => `/proc/${cluster.state.hosts[host]?.holder.pid}/root`;
  return {
    view,
    inside: host => rootOf(host) + DATA_INSIDE,
    differences: () => [
      ...unfinished(view),
      ...cluster.hosts.flatMap(host => {
        const holder = cluster.state.hosts[host.name]!.holder.pid;
        const owned = view.list(INSTANCES).flatMap(({ value }) => (value.node === host.name ? [value] : []));
        return compareHost(host, holder, owned, view).map(difference => `${host.name}: ${difference}`);
      }),
    ],
    close: async () => {
      closed.abort();
      await store.close();
    },
  };
}

function unfinished(view: View): readonly string[] {
  return [
    ...view.list(SAGAS).flatMap(({ value }) => (isSettled(value) ? [] : [`"${value.description}" is ${value.state}`])),
    ...view.list(SAGAS).flatMap(({ value }) => (value.state === 'stuck' ? [`"${value.description}" is stuck`] : [])),
    ...view.list(LOCKS).map(({ key, value }) => `${key} is held by "${value.description}"`),
    ...view
      .list(INSTANCES)
      .flatMap(({ value }) => (value.moving === undefined ? [] : [`${value.name} is being moved`])),
  ];
}

function compareHost(
  host: HostLayout,
  holder: number,
  owned: readonly InstanceRecord[],
  view: View,
): readonly string[] {
  const root = `/proc/${holder}/root`;
  const data = root + DATA_INSIDE;
  const pool = join(data, 'pools/default');
  const all = owned.map(({ id }) => id);
  const running = owned.filter(({ wanted }) => wanted !== 'stopped').map(({ id }) => id);
  const veths = list(join(root, 'sys/class/net')).filter(name => /^v[0-9a-f]{8}$/.test(name));
  const plugged = veths.filter(name => existsSync(join(root, 'sys/class/net', name, 'master')));
  const promised = view.get(ALLOCATIONS.key(host.name))?.value.instances ?? 0;
  return [
    ...differ('runs', containersOf(holder), running),
    ...differ('has volumes', list(join(pool, 'instances')), all),
    ...differ(
      'has ledger entries',
      list(join(data, 'ledger')).map(name => name.replace('.json', '')),
      all,
    ),
    ...cgroupsOf(host).flatMap(cgroup => (running.includes(cgroup.id) ? [] : [`has cgroup ${cgroup.path}`])),
    ...running.flatMap(id => (freezerOf(host, id) === 'THAWED' ? [] : [`${id} is ${freezerOf(host, id)}`])),
    ...(plugged.length === running.length
      ? []
      : [`has ${plugged.length} plugged cards, should have ${running.length}`]),
    ...(veths.length === running.length ? [] : [`has cards ${veths.join(' ')}, should have ${running.length}`]),
    ...list(join(data, 'moves')).map(name => `has move ${name}`),
    ...['transfers', 'tmp'].flatMap(place => list(join(pool, place)).map(name => `has ${place}/${name}`)),
    ...checkpointsOf(holder).map(process => `is at work: ${process}`),
    ...(promised === all.length ? [] : [`has promised ${promised} places, should have ${all.length}`]),
  ];
}

function differ(what: string, is: readonly string[], should: readonly string[]): readonly string[] {
  const [a, b] = [is, should].map(names => [...names].sort().join(' '));
  return a === b ? [] : [`${what} ${a || 'none'}, should be ${b || 'none'}`];
}

/** Ids of the containers whose monitors listen on this host. */
function containersOf(holder: number): readonly string[] {
  const sockets = read(`/proc/${holder}/net/unix`).matchAll(/\/lxc\/([0-9a-f-]{36})\/command/g);
  return [...new Set([...sockets].map(([, id]) => id!))];
}

function cgroupsOf({ cgroup }: HostLayout): readonly { readonly id: string; readonly path: string }[] {
  return list('/sys/fs/cgroup').flatMap(hierarchy => {
    const top = join('/sys/fs/cgroup', hierarchy, cgroup);
    return list(top).flatMap(name => {
      const id = /^lxc\.(?:payload|monitor)\.([0-9a-f-]{36})/.exec(name)?.[1];
      return id === undefined ? [] : [{ id, path: `${hierarchy}/${name}` }];
    });
  });
}

function freezerOf({ cgroup }: HostLayout, id: string): string {
  const v1 = read(join('/sys/fs/cgroup/freezer', cgroup, `lxc.payload.${id}`, 'freezer.state')).trim();
  const v2 = read(join('/sys/fs/cgroup', cgroup, `lxc.payload.${id}`, 'cgroup.freeze')).trim();
  return v1 || (v2 === '0' ? 'THAWED' : 'not to be found');
}

/** CRIU, lxc-checkpoint and the scripts around them, of this host. */
function checkpointsOf(holder: number): readonly string[] {
  return processesIn(holder).flatMap(({ pid, command }) => (isCheckpoint(command) ? [`${command} (${pid})`] : []));
}

const isCheckpoint = (command: string) => /criu|lxc-checkpoint/.test(command) && !command.startsWith('[lxc monitor]');

export interface Process {
  readonly pid: number;
  readonly command: string;
}

/** Those that live in the host's network namespace, which containers do not. */
export function processesIn(holder: number): readonly Process[] {
  const network = link(`/proc/${holder}/ns/net`);
  return list('/proc')
    .filter(name => /^\d+$/.test(name) && link(`/proc/${name}/ns/net`) === network)
    .map(name => ({ pid: Number(name), command: read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim() }));
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
