/** Emptying and filling hosts on a cluster in one process: side by side, within the budget, and with bad luck. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { beginChangeState } from '../commands/change-state.ts';
import { beginCreateInstance } from '../commands/create-instance.ts';
import { beginEvacuateNode, beginRestoreNode } from '../commands/evacuate-node.ts';
import { beginMoveInstance } from '../commands/move-instance.ts';
import { INSTANCES, NODES, SAGAS, SERVER } from '../spaces.ts';
import { openTestCluster, type TestCluster, type TestController } from '../testing/test-cluster.ts';
import { wish } from '../testing/wishes.ts';
import { movesUnderWay } from './moves-under-way.ts';

let cluster: TestCluster;
afterEach(() => cluster?.close());

const project = 'default';
const n1 = { node: 'n1' };

/** @param count instances that run on n1. */
async function open(hosts: readonly string[], count: number, config: Readonly<Record<string, string>> = {}) {
  cluster = await openTestCluster(hosts);
  const c = await cluster.controller('a');
  const names = Array.from({ length: count }, (_, i) => `c${i}`);
  const created = await Promise.all(names.map(name => beginCreateInstance(c, wish(name, { target: n1, config }))));
  for (const each of created) assert.equal((await cluster.ended(each)).state, 'succeeded');
  const act = { project, action: 'start', force: false, timeoutSeconds: -1 } as const;
  const started = await Promise.all(names.map(name => beginChangeState(c, { ...act, name })));
  for (const each of started) assert.equal((await cluster.ended(each)).state, 'succeeded');
  return c;
}

async function configure(c: TestController, config: Readonly<Record<string, string>>): Promise<void> {
  const result = await c.store.commit(SERVER.create(SERVER.key('config'), { config }));
  await c.view.reached(result.revision);
}

/** The most moves there were at once, in the cluster and of one host. */
function watchLoad() {
  const most = { total: 0, perHost: 0 };
  const stop = cluster.view.onChange(() => {
    const moves = movesUnderWay(cluster.view);
    most.total = Math.max(most.total, moves.length);
    for (const host of cluster.world.hosts.keys()) {
      const of = moves.filter(({ from, to }) => from === host || to === host).length;
      most.perHost = Math.max(most.perHost, of);
    }
  });
  return { most, stop };
}

const on = (node: string) => cluster.view.list(INSTANCES).filter(({ value }) => value.node === node).length;
const running = () =>
  cluster.view.list(INSTANCES).filter(({ value }) => cluster.world.runningOn(value.id).length === 1).length;

describe('evacuating a host', () => {
  it('moves side by side, as many as the budget allows, and spreads them; and back again', async () => {
    const c = await open(['n1', 'n2', 'n3'], 8);
    await configure(c, { 'cluster.moves.per_host': '3', 'cluster.moves.total': '5' });
    const load = watchLoad();
    const end = await cluster.ended(await beginEvacuateNode(c, n1));
    assert.equal(end.state, 'succeeded', end.error?.message);
    assert.equal(end.metadata.evacuation_progress, '8 of 8 done');
    assert.deepEqual([on('n1'), on('n2'), on('n3'), running()], [0, 4, 4, 8]);
    assert.deepEqual(load.most, { total: 3, perHost: 3 }); // one host gives all of them
    const back = await cluster.ended(await beginRestoreNode(c, n1));
    assert.equal(back.state, 'succeeded', back.error?.message);
    load.stop();
    assert.deepEqual(load.most, { total: 3, perHost: 3 });
    assert.deepEqual([on('n1'), running()], [8, 8]);
    await cluster.consistent();
  });

  it('keeps the budget of the cluster when two hosts are emptied at once', async () => {
    const c = await open(['n1', 'n2', 'n3', 'n4'], 4);
    for (const name of ['c0', 'c1']) {
      await cluster.ended(await beginMoveInstance(c, { project, name, live: true, target: { node: 'n2' } }));
    }
    await configure(c, { 'cluster.moves.per_host': '2', 'cluster.moves.total': '2' });
    const load = watchLoad();
    const both = await Promise.all([beginEvacuateNode(c, n1), beginEvacuateNode(c, { node: 'n2' })]);
    for (const each of both) assert.equal((await cluster.ended(each)).state, 'succeeded');
    load.stop();
    assert.deepEqual([on('n1'), on('n2'), running()], [0, 0, 4]);
    assert.ok(load.most.total <= 2, `${load.most.total} at once`);
    await cluster.consistent();
  });

  it('stops what cannot move while it runs only where that is allowed, and says what stays', async () => {
    const c = await open(['n1', 'n2'], 2);
    const stays = wish('pinned', { target: n1, config: { 'cluster.evacuate': 'live-migrate' } });
    await cluster.ended(await beginCreateInstance(c, stays));
    const start = { project, name: 'pinned', action: 'start', force: false, timeoutSeconds: -1 } as const;
    await cluster.ended(await beginChangeState(c, start));
    cluster.world.host('n1').verdict = 'restart';
    const end = await cluster.ended(await beginEvacuateNode(c, n1));
    assert.equal(end.state, 'failed');
    assert.match(end.error!.message, /^Not moved: pinned: .*nested mounts \(unmount them\)/);
    assert.deepEqual([on('n1'), on('n2'), running()], [1, 2, 3]);
    assert.equal(cluster.view.get(NODES.key('n1'))?.value.admission, 'open');
    await cluster.consistent();
  });

  it('waits for what others do with an instance', async () => {
    const c = await open(['n1', 'n2'], 1);
    const host = cluster.world.host('n1');
    const { promise: gate, resolve: release } = Promise.withResolvers<void>();
    host.tap = ({ verb, when }) => (verb === 'ensureState' && when === 'before' ? gate : undefined);
    const stop = { project, name: 'c0', action: 'stop', force: false, timeoutSeconds: -1 } as const;
    const stopping = await beginChangeState(c, stop);
    const evacuation = await beginEvacuateNode(c, n1);
    const told = () => cluster.view.get(SAGAS.key(evacuation.id))?.value.metadata.evacuation_progress;
    await cluster.until('it says so', () => told() === '0 of 1 done; waiting for c0');
    release();
    assert.equal((await cluster.ended(stopping)).state, 'succeeded');
    assert.equal((await cluster.ended(evacuation)).state, 'succeeded');
    assert.deepEqual([on('n1'), on('n2'), running()], [0, 1, 0]);
    await cluster.consistent();
  });

  it('stops by boot.stop.priority, the highest first, for as long as each may take', async () => {
    const c = await open(['n1', 'n2'], 0);
    const host = cluster.world.host('n1');
    const stops: string[] = [];
    for (const [name, priority] of [
      ['last', '-1'],
      ['first', '5'],
      ['middle', ''],
    ] as const) {
      const config = { 'boot.stop.priority': priority, 'boot.host_shutdown_timeout': '7' };
      await cluster.ended(await beginCreateInstance(c, wish(name, { target: n1, config })));
      const act = { project, name, action: 'start', force: false, timeoutSeconds: -1 } as const;
      await cluster.ended(await beginChangeState(c, act));
    }
    host.tap = ({ verb, when }) => {
      if (verb !== 'ensureState' || when !== 'after') return;
      const stopped = [...host.instances.values()]
        .filter(({ state }) => state === 'stopped')
        .map(({ spec }) => spec.name);
      stops.push(...stopped.filter(name => !stops.includes(name)));
    };
    const end = await cluster.ended(await beginEvacuateNode(c, { ...n1, mode: 'stop' }));
    assert.equal(end.state, 'succeeded', end.error?.message);
    assert.deepEqual(stops, ['first', 'middle', 'last']);
    const inputs = cluster.view.list(SAGAS).map(({ value }) => value.input as { timeoutMs?: number; origin?: string });
    assert.deepEqual(
      inputs.filter(({ origin }) => origin === 'n1').map(({ timeoutMs }) => timeoutMs),
      [7000, 7000, 7000],
    );
  });

  it('tries again when a target goes away in the middle of it', async () => {
    const c = await open(['n1', 'n2', 'n3'], 3);
    await configure(c, { 'cluster.offline_threshold': '1' });
    const victim = cluster.world.host('n2');
    victim.tap = ({ verb, when }) => {
      if (verb === 'awaitMove' && when === 'after') victim.setDown(true);
    };
    const end = await cluster.ended(await beginEvacuateNode(c, n1));
    assert.equal(end.state, 'succeeded', end.error?.message);
    assert.deepEqual([on('n1'), running()], [0, 3]);
  });

  it('begins nothing more when it is called off, and lets go of nothing half-way', async () => {
    const c = await open(['n1', 'n2'], 4);
    await configure(c, { 'cluster.moves.per_host': '1' });
    const evacuation = await beginEvacuateNode(c, n1);
    await cluster.until('one has moved', () => on('n2') === 1);
    await c.engine.cancel(evacuation.id);
    assert.equal((await cluster.ended(evacuation)).state, 'cancelled');
    assert.deepEqual(movesUnderWay(cluster.view), []);
    assert.ok(on('n1') >= 2, `${on('n1')} stayed`);
    assert.equal(running(), 4);
    assert.equal(cluster.view.get(NODES.key('n1'))?.value.admission, 'open');
    await cluster.consistent();
  });
});
