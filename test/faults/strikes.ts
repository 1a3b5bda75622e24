/** Blows to a cluster from outside, and how each is healed again. None asks controller or agents for anything. */
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

/**
 * Does it, and heals what does not heal by itself (a dead agent is started again, as its service manager would do it).
 * Resolves when it is over. @returns false when there was nothing to do it to
 */
export type Strike = (scene: Scene) => Promise<boolean>;
type End = keyof Ends;

/** As systemd would: see `RestartSec` in the units. */
const RESTART_MS = 1000;
/** What is full is not full for ever, whether somebody had an answer by then or not. */
const FULL_MS = 10_000;
const RUBBISH = `${DATA_INSIDE}/pools/default/rubbish`;
const MOVES = `${DATA_INSIDE}/moves`;

export const killAgent =
  (end: End): Strike =>
  async ({ cluster, ...ends }) => {
    await cluster.killAgent(ends[end]);
    await sleep(RESTART_MS);
    await cluster.startAgent(ends[end]);
    return true;
  };

export const killController: Strike = async ({ cluster }) => {
  await cluster.killController();
  await sleep(RESTART_MS);
  await cluster.startController();
  return true;
};

export const stopEtcd =
  (ms: number): Strike =>
  ({ cluster }) =>
    during(
      () => cluster.killEtcd(0),
      () => sleep(ms),
      () => cluster.startEtcd(0),
    );

/** To every process of the instance's move on that host whose command line matches. */
export const signalTo =
  (end: End, command: RegExp, signal: NodeJS.Signals = 'SIGKILL'): Strike =>
  async ({ cluster, id, ...ends }) => {
    const holder = cluster.state.hosts[ends[end]]!.holder.pid;
    const victims = processesIn(holder).filter(each => command.test(each.command) && each.command.includes(id));
    const struck = victims.filter(({ pid }) => send(pid, signal));
    return struck.length > 0;
  };

/** Packets between the two are dropped; both reach everybody else. */
export const cutLink =
  (ms: number): Strike =>
  ({ cluster, source, target }) => {
    const address = cluster.hosts.find(({ name }) => name === target)!.address;
    const rules = `table inet fault { chain in { type filter hook input priority 0; ip saddr ${address} drop; }
      chain out { type filter hook output priority 0; ip daddr ${address} drop; }; }`;
    return during(
      () => cluster.exec(source, ['nft', '-f', '-'], { input: rules }),
      () => sleep(ms),
      () => cluster.exec(source, ['nft', 'delete', 'table', 'inet', 'fault']),
    );
  };

/** The host's cable, at the switch's end: nothing on the host knows of it. */
export const unplug =
  (end: End, until: (scene: Scene) => Promise<unknown>): Strike =>
  scene => {
    const set = (state: string) =>
      run('ip', ['-n', scene.cluster.layout.segmentNamespace, 'link', 'set', scene[end], state], { timeoutMs: 5000 });
    return during(
      () => set('down'),
      () => until(scene),
      () => set('up'),
    );
  };

export const slowLink =
  (rate: string, ms: number): Strike =>
  ({ cluster, source }) => {
    const qdisc = (...words: string[]) => cluster.exec(source, ['tc', 'qdisc', ...words]);
    return during(
      () => qdisc('add', 'dev', 'eth0', 'root', 'tbf', 'rate', rate, 'burst', '32kb', 'latency', '100ms'),
      () => sleep(ms),
      () => qdisc('del', 'dev', 'eth0', 'root'),
    );
  };

/** Fills what is left of the pool, in ever smaller pieces: the last of them takes what no block is left for. */
export const fillPool: Strike = ({ cluster, target, over }) => {
  const pieces = ['1G', '64M', '1M', '64K', '4K'].map(
    size => `i=0; while fallocate -l ${size} ${RUBBISH}/${size}.$i 2>/dev/null; do i=$((i+1)); done`,
  );
  return during(
    () => cluster.exec(target, ['sh', '-c', `mkdir ${RUBBISH}; ${pieces.join('; ')}; sync -f ${RUBBISH}`]),
    () => Promise.race([over, sleep(FULL_MS)]),
    () => cluster.exec(target, ['rm', '-rf', RUBBISH]),
  );
};

/** Not a page more for images: its limit becomes what it holds. The memory of this machine stays free. */
export const fillImages =
  (end: End): Strike =>
  ({ cluster, over, ...ends }) => {
    const remount = (size: string) => `mount -o remount,size=${size} ${MOVES}`;
    // It may grow between the look and the limit: then once more.
    const shrink = `for i in $(seq 50); do used=$(df --output=used -k ${MOVES} | tail -1 | tr -d ' ')
      [ $used -gt 0 ] || used=4; if ${remount('"$used"k')} 2>/dev/null; then exit 0; fi; done; exit 1`;
    return during(
      () => cluster.exec(ends[end], ['sh', '-c', shrink]),
      () => Promise.race([over, sleep(FULL_MS)]),
      () => cluster.exec(ends[end], ['sh', '-c', remount('90%')]),
    );
  };

async function during(
  begin: () => Promise<unknown>,
  wait: () => Promise<unknown>,
  end: () => Promise<unknown>,
): Promise<boolean> {
  await begin();
  try {
    await wait();
  } finally {
    await end();
  }
  return true;
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // it has ended since it was found
  }
}
