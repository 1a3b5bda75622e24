/**
 * Brings a local cluster up: etcd and a controller on this machine, hosts with agents in namespaces, all joined and
 * ready for the first launch. Either all of it comes up, or an error tells why and nothing is left.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { fail } from '../../src/domain/errors.ts';
import { ensureDefaults, joinToken, openApi } from './api.ts';
import { Cluster } from './cluster.ts';
import { lxcfsReady, makeHost, type StorageDriver } from './host-namespace.ts';
import { BRIDGE, DATA_INSIDE, type HostLayout, type Layout, layoutOf, MAX_HOSTS } from './layout.ts';
import { makeSegment } from './network.ts';
import { adoptFolder, isDead, removeCluster } from './remove.ts';
import { claimSlot, detachSlot, isAbandoned, listSlots, type SlotRecord } from './slot.ts';
import { type Programs, writeState } from './state.ts';

export interface ClusterOptions {
  /** Everything the cluster keeps lies here: an empty folder, or one that does not exist. */
  readonly dir: string;
  /** Default 3. */
  readonly hosts?: number;
  /** 1 (default) or 3. */
  readonly etcdMembers?: number;
  /** Default btrfs. */
  readonly storage?: StorageDriver;
  /** Of the controller, on 127.0.0.1; default: one of this cluster's own. */
  readonly port?: number;
  /** The cluster outlives this process, and `npm run clean` leaves it alone. Default: it is ours to stop. */
  readonly detached?: boolean;
  /** Default: this checkout's controller and agent. */
  readonly programs?: Programs;
  /** Is told what is done. */
  readonly say?: (line: string) => void;
}

/** @throws AppError `busy` (a cluster runs in that folder), `invalid`, `exhausted` (no slot free), or what failed */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const dir = resolve(options.dir);
  const hosts = options.hosts ?? 3;
  const etcdMembers = options.etcdMembers ?? 1;
  if (!(Number.isInteger(hosts) && hosts >= 1 && hosts <= MAX_HOSTS))
    fail('invalid', `hosts: must be 1 to ${MAX_HOSTS}`);
  if (etcdMembers !== 1 && etcdMembers !== 3) fail('invalid', 'etcd members: must be 1 or 3');
  await removeDead(dir);
  mkdirSync(dir, { recursive: true });
  adoptFolder(dir);
  const record = claimSlot(dir);
  try {
    const cluster = await bringUp(record, { ...options, dir, hosts, etcdMembers });
    if (options.detached) detachSlot(record);
    return cluster;
  } catch (thrown) {
    await removeCluster(record, options.detached ? ['logs'] : []);
    throw thrown;
  }
}

type FullOptions = ClusterOptions & { readonly hosts: number; readonly etcdMembers: number };

async function bringUp(record: SlotRecord, options: FullOptions): Promise<Cluster> {
  const { dir, say = () => {}, storage = 'btrfs' } = options;
  const layout = layoutOf(record.slot);
  const port = options.port ?? layout.controllerPort;
  await mustBeFree(port);
  for (const folder of ['etcd', 'controller', 'hosts', 'logs']) mkdirSync(join(dir, folder), { recursive: true });
  const programs = options.programs ?? ownPrograms();
  const base = { slot: record.slot, dir, port, storage, etcdMembers: options.etcdMembers, programs };
  const machine = new Cluster({ ...base, hosts: {}, controller: undefined, agents: {}, etcd: {} });

  say(`slot ${record.slot}: ${options.etcdMembers} etcd, a controller, ${options.hosts} hosts (${storage}) in ${dir}`);
  const [, hosts] = await allSettled([
    startBrain(machine, options.etcdMembers),
    makeHosts(layout, dir, storage, options.hosts),
  ]);
  const cluster = new Cluster({ ...machine.state, hosts });
  writeState(cluster.state);

  say('joining the hosts');
  const api = openApi(cluster.socketPath);
  try {
    await allSettled(
      cluster.hosts.map(async ({ name }) => {
        await cluster.joinAgent(name, await joinToken(api, name));
        await cluster.startAgent(name);
      }),
    );
    await cluster.online();
    await ensureDefaults(api, layout, storage);
  } finally {
    api.close();
  }
  say(`ready: ${cluster.socketPath} and ${cluster.url}`);
  return cluster;
}

async function startBrain(cluster: Cluster, etcdMembers: number): Promise<void> {
  await cluster.startEtcd(...Array.from({ length: etcdMembers }, (_, member) => member));
  await cluster.startController();
}

async function makeHosts(layout: Layout, dir: string, storage: StorageDriver, count: number) {
  await makeSegment(layout);
  const hosts = Array.from({ length: count }, (_, index) => layout.host(index));
  const made = await allSettled(
    hosts.map(async host => {
      const hostDir = join(dir, 'hosts', host.name);
      mkdirSync(hostDir, { mode: 0o711 });
      writeAgentConfig(hostDir, host, storage);
      const logFile = join(dir, 'logs', `host-${host.name}.log`);
      const processes = await makeHost({ layout, host, dir: hostDir, logFile, storage });
      await lxcfsReady(processes);
      return [host.name, processes] as const;
    }),
  );
  return Object.fromEntries(made);
}

/** What an agent cannot know by itself; `join` adds the rest. */
function writeAgentConfig(hostDir: string, host: HostLayout, storage: StorageDriver): void {
  const config = {
    bridge: BRIDGE,
    cgroupPrefix: host.cgroup,
    lxcfsDir: `${DATA_INSIDE}/lxcfs`,
    pools: [{ name: 'default', driver: storage, source: `${DATA_INSIDE}/pools/default` }],
  };
  writeFileSync(join(hostDir, 'agent.yaml'), stringify(config));
}

function ownPrograms(): Programs {
  const source = resolve(import.meta.dirname, '../../src');
  return {
    // As in deploy/systemd: see there.
    controller: [
      process.execPath,
      '--max-semi-space-size=4',
      '--heap-growing-percent=30',
      join(source, 'controller/main.ts'),
    ],
    agent: [process.execPath, join(source, 'agent/main.ts')],
  };
}

/** A crashed cluster in `dir` is cleared away; one that runs is not touched. */
async function removeDead(dir: string): Promise<void> {
  for (const record of listSlots().filter(each => each.dir === dir)) {
    if (!isAbandoned(record) && !isDead(record)) {
      fail('busy', `a cluster runs in ${dir} already: take it down first (npm run dev -- down)`);
    }
    await removeCluster(record);
  }
}

function mustBeFree(port: number): Promise<void> {
  return new Promise((ok, reject) => {
    const server = createServer();
    server.once('error', () => reject(new Error(`port ${port} of 127.0.0.1 is in use: choose another with --port`)));
    server.listen(port, '127.0.0.1', () => server.close(() => ok()));
  });
}

/** Like Promise.all, but when one fails it waits for the others to end first, so that none goes on behind our back. */
async function allSettled<T extends readonly unknown[]>(work: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(work);
  const failed = results.find(result => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results.map(result => (result as PromiseFulfilledResult<unknown>).value) as never;
}
