/** What is done to a cluster in the middle of a move, from outside, and how it is healed again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../deploy/local-cluster/cluster.ts';
import { DATA_INSIDE } from '../../deploy/local-cluster/layout.ts';
import { run } from '../../src/agent/command.ts';
import type { Ends } from './moments.ts';
import { processesIn } from './witness.ts';

export interface Scene extends Ends {
  readonly cluster: Cluster;
  /** The instance's id. */
  readonly id: string;
  /** Resolves when the user who asked for the move has an answer. */
  readonly over: Promise<unknown>;
}

export interface Fault {
  readonly name: string;
  /**
   * Does it, and heals what does not heal by itself (a dead agent is started again, as its service manager would do it).
   * Resolves when it is over. @returns false when there was nothing to do it to.
   */
  strike(scene: Scene): Promise<boolean>;
  /** What the fault itself costs, whoever carries out the move; undefined: the client must not lose its connection. */
  readonly price?: string;
}

/** As systemd would: see `RestartSec` in the units. */
const RESTART_MS = 1000;
/** Shorter than `cluster.offline_threshold`, and longer than most timeouts of a call. */
const OUTAGE_MS = 5000;
const RUBBISH = `${DATA_INSIDE}/pools/default/rubbish`;

export const FAULTS: readonly Fault[] = [
  { name: 'source agent killed', strike: ({ cluster, source }) => restartAgent(cluster, source) },
  { name: 'target agent killed', strike: ({ cluster, target }) => restartAgent(cluster, target) },
  {
    name: 'controller killed',
    strike: async ({ cluster }) => {
      await cluster.killController();
      await sleep(RESTART_MS);
      await cluster.startController();
      return true;
    },
  },
  { name: 'criu of the dump killed', strike: async scene => killIn(scene, 'source', /^(?!\S*sh ).*criu dump /) },
  { name: 'criu of the restore killed', strike: async scene => killIn(scene, 'target', /^(?!\S*sh ).*criu restore /) },
  { name: 'lxc-checkpoint of the dump killed', strike: async scene => killIn(scene, 'source', /^lxc-checkpoint /) },
  { name: 'lxc-checkpoint of the restore killed', strike: async scene => killIn(scene, 'target', /^lxc-checkpoint /) },
  {
    name: 'LXC monitor of the source killed',
    strike: async scene => killIn(scene, 'source', /^\[lxc monitor\]/),
    price: 'a container dies with its monitor',
  },
  {
    name: 'link between the hosts cut',
    strike: ({ cluster, source, target }) => {
      const address = cluster.hosts.find(({ name }) => name === target)!.address;
      const rules = `table inet fault { chain in { type filter hook input priority 0; ip saddr ${address} drop; }
        chain out { type filter hook output priority 0; ip daddr ${address} drop; }; }`;
      return during(
        () => cluster.exec(source, ['nft', '-f', '-'], { input: rules }),
        () => cluster.exec(source, ['nft', 'delete', 'table', 'inet', 'fault']),
      );
    },
  },
  { name: 'source cut off', strike: ({ cluster, source }) => unplugged(cluster, source) },
  { name: 'target cut off', strike: ({ cluster, target }) => unplugged(cluster, target) },
  {
    name: 'link slowed down to 8 Mbit/s',
    strike: ({ cluster, source }) => {
      const slow = ['tbf', 'rate', '8mbit', 'burst', '32kb', 'latency', '100ms'];
      return during(
        () => cluster.exec(source, ['tc', 'qdisc', 'add', 'dev', 'eth0', 'root', ...slow]),
        () => cluster.exec(source, ['tc', 'qdisc', 'del', 'dev', 'eth0', 'root']),
      );
    },
  },
  { name: 'pool of the target full', strike: fill },
  {
    name: 'etcd stopped',
    strike: ({ cluster }) =>
      during(
        () => cluster.killEtcd(0),
        () => cluster.startEtcd(0),
      ),
  },
];

async function restartAgent(cluster: Cluster, host: string): Promise<boolean> {
  await cluster.killAgent(host);
  await sleep(RESTART_MS);
  await cluster.startAgent(host);
  return true;
}

/** The host's cable, at the switch's end: nothing on the host knows of it. */
function unplugged(cluster: Cluster, host: string): Promise<boolean> {
  const set = (state: string) =>
    run('ip', ['-n', cluster.layout.segmentNamespace, 'link', 'set', host, state], { timeoutMs: 5000 });
  return during(
    () => set('down'),
    () => set('up'),
  );
}

/** Fills what is left of the pool, in ever smaller pieces: the last of them takes what no block is left for. */
async function fill({ cluster, target, over }: Scene): Promise<boolean> {
  const pieces = ['1G', '64M', '1M', '64K', '4K'].map(
    size => `i=0; while fallocate -l ${size} ${RUBBISH}/${size}.$i 2>/dev/null; do i=$((i+1)); done`,
  );
  await cluster.exec(target, ['sh', '-c', `mkdir ${RUBBISH}; ${pieces.join('; ')}; sync -f ${RUBBISH}`]);
  await Promise.race([over, sleep(2 * OUTAGE_MS)]);
  await cluster.exec(target, ['rm', '-rf', RUBBISH]);
  return true;
}

async function during(begin: () => Promise<unknown>, end: () => Promise<unknown>): Promise<boolean> {
  await begin();
  await sleep(OUTAGE_MS);
  await end();
  return true;
}

function killIn({ cluster, id, ...ends }: Scene, end: keyof Ends, command: RegExp): boolean {
  const holder = cluster.state.hosts[ends[end]]!.holder.pid;
  const victims = processesIn(holder).filter(process => command.test(process.command) && process.command.includes(id));
  for (const { pid } of victims) process.kill(pid, 'SIGKILL');
  return victims.length > 0;
}
