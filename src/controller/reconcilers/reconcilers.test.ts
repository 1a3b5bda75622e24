/** What stays true without anybody asking, on fake hosts that reboot, vanish, and do things behind our back. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { InstanceRecord } from '../../domain/instance.ts';
import { beginChangeState, type StateAction } from '../commands/change-state.ts';
import { beginCreateInstance } from '../commands/create-instance.ts';
import { beginDeleteInstance } from '../commands/delete-instance.ts';
import { beginMoveInstance } from '../commands/move-instance.ts';
import type { NewInstance } from '../instances/new-instance.ts';
import { seenState } from '../instances/state.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { INSTANCES, NETWORKS, NODE_STATUS, SERVER, STATUS } from '../spaces.ts';
import { openTestCluster, type TestCluster, type TestController } from '../testing/test-cluster.ts';
import { wish } from '../testing/wishes.ts';

let cluster: TestCluster;
let a: TestController;

beforeEach(async () => {
  cluster = await openTestCluster(['n1', 'n2']);
  a = await cluster.controller('a');
});
afterEach(() => cluster.close());

const done = async (begun: Promise<SagaRecord>): Promise<SagaRecord> => {
  const record = await cluster.ended(await begun);
  assert.equal(record.state, 'succeeded', record.error?.message);
  return record;
};
const make = (name: string, more: Partial<NewInstance> = {}) =>
  done(beginCreateInstance(a, wish(name, { target: { node: 'n1' }, ...more })));
const act = (name: string, action: StateAction) =>
  done(beginChangeState(a, { project: 'default', name, action, force: true, timeoutSeconds: 1 }));
const record = (name: string): InstanceRecord => cluster.view.get(INSTANCES.key('default', name))!.value;
const seen = (name: string, state: string) =>
  cluster.until(`${name} is ${state}`, () => seenState(cluster.view, record(name)) === state);
const quick = async (config: Record<string, string>) => {
  await a.store.commit({ guards: [], writes: [SERVER.put(SERVER.key('config'), { config })] });
};

describe('observe', () => {
  it('sees within a moment what happens behind our back', async () => {
    await make('c1');
    cluster.world.host('n1').set(record('c1').id, { state: 'running' });
    await seen('c1', 'running');
    cluster.world.host('n1').set(record('c1').id, { state: 'stopped' });
    await seen('c1', 'stopped');
  });

  it('calls a host offline after the threshold, what is on it unknown, and both again what they are', async () => {
    await quick({ 'cluster.offline_threshold': '0.3' });
    await make('c1');
    await act('c1', 'start');
    cluster.world.host('n1').setDown(true);
    await seen('c1', 'unknown');
    const status = cluster.view.get(NODE_STATUS.key('n1'))!.value;
    assert.equal(status.state, 'offline');
    assert.match(status.detail, /cannot be reached/);
    await assert.rejects(beginDeleteInstance(a, { project: 'default', name: 'c1' }), { code: 'unavailable' });
    cluster.world.host('n1').setDown(false);
    await seen('c1', 'running');
  });

  it('says so when a host lost an instance', async () => {
    await make('c1');
    await act('c1', 'start');
    cluster.world.host('n1').remove(record('c1').id);
    await seen('c1', 'error');
  });

  it('forgets the status of what is deleted', async () => {
    await make('c1');
    await act('c1', 'start');
    await act('c1', 'stop');
    await done(beginDeleteInstance(a, { project: 'default', name: 'c1' }));
    await cluster.until('no status is left', () => cluster.view.list(STATUS).length === 0);
  });
});

describe('settle', () => {
  it('wants what was shut down from inside to be stopped', async () => {
    await make('c1');
    await act('c1', 'start');
    cluster.world.host('n1').set(record('c1').id, { state: 'stopped' });
    await cluster.until('it is wanted stopped', () => record('c1').wanted === 'stopped');
  });
});

describe('autostart', () => {
  it('starts after a reboot what ran, and what is to be started with its host, and nothing else', async () => {
    await make('ran');
    await act('ran', 'start');
    await make('stopped');
    await make('auto', { config: { 'boot.autostart': 'true' } });
    await make('never', { config: { 'boot.autostart': 'false' } });
    await act('never', 'start');
    await make('broken', { config: { 'boot.autostart': 'true', 'user.start': 'fails' } });
    cluster.world.host('n1').reboot();
    await cluster.until('two were started', () =>
      ['ran', 'auto'].every(
        name => record(name).wanted === 'running' && seenState(cluster.view, record(name)) === 'running',
      ),
    );
    await cluster.until('the broken one was tried', () =>
      cluster.view.list(INSTANCES).every(({ value }) => value.name !== 'broken' || value.wanted === 'stopped'),
    );
    assert.deepEqual(cluster.world.runningOn(record('stopped').id), []);
    assert.deepEqual(cluster.world.runningOn(record('never').id), []);
  });
});

describe('ephemeral', () => {
  it('deletes what stopped by itself, not what was never started', async () => {
    await make('c1', { ephemeral: true });
    await make('c2', { ephemeral: true });
    await act('c1', 'start');
    cluster.world.host('n1').set(record('c1').id, { state: 'stopped' });
    await cluster.until('it is gone', () => cluster.view.get(INSTANCES.key('default', 'c1')) === undefined);
    assert.equal(record('c2').phase, 'ready');
    await cluster.consistent();
  });
});

describe('sweep', () => {
  it('removes what a host has and should not, and leaves the rest alone', async () => {
    await make('c1');
    const { spec } = cluster.world.host('n1').instances.get(record('c1').id)!;
    const orphan = { ...spec, id: '00000000-0000-4000-8000-000000000001' };
    cluster.world.host('n2').set(spec.id, { spec, state: 'stopped' });
    cluster.world.host('n2').set(orphan.id, { spec: orphan, state: 'running' });
    const end = Date.now() + 15_000;
    while (cluster.world.host('n2').instances.size > 0 && Date.now() < end) await new Promise(r => setTimeout(r, 50));
    assert.deepEqual([...cluster.world.host('n2').instances], []);
    assert.equal(cluster.world.host('n1').instances.size, 1);
  });
});

describe('tell-ends', () => {
  it('a move whose target vanished is taken back, and the target hears of it when it is back', async () => {
    await quick({ 'cluster.offline_threshold': '0.3' });
    const { world } = cluster;
    await make('c1');
    await act('c1', 'start');
    world.host('n2').tap = ({ verb, when }) => {
      if (verb === 'awaitMove' && when === 'before') world.host('n2').setDown(true);
    };
    const move = await cluster.ended(
      await beginMoveInstance(a, { project: 'default', name: 'c1', live: true, target: { node: 'n2' } }),
    );
    assert.equal(move.state, 'failed');
    assert.deepEqual(world.runningOn(record('c1').id), ['n1']);
    assert.equal(world.host('n2').moves.size, 1);
    world.host('n2').tap = undefined;
    world.host('n2').setDown(false);
    const end = Date.now() + 10_000;
    while (world.host('n2').moves.size > 0 && Date.now() < end) await new Promise(r => setTimeout(r, 20));
    await cluster.consistent();
  });

  it('a source that vanished after the switch hands over when it is back, and never runs it again', async () => {
    await quick({ 'cluster.offline_threshold': '0.3' });
    const { world } = cluster;
    await make('c1');
    await act('c1', 'start');
    world.host('n1').tap = ({ verb, when }) => {
      if (verb === 'commitMove' && when === 'before') world.host('n1').setDown(true);
    };
    const move = await cluster.ended(
      await beginMoveInstance(a, { project: 'default', name: 'c1', live: true, target: { node: 'n2' } }),
    );
    assert.equal(move.state, 'failed');
    assert.match(move.error!.message, /^commit is left to be done later: node n1 is offline/);
    assert.deepEqual(world.runningOn(record('c1').id), ['n2']);
    world.host('n1').tap = undefined;
    world.host('n1').setDown(false);
    const end = Date.now() + 15_000;
    while (world.host('n1').instances.size > 0 && Date.now() < end) await new Promise(r => setTimeout(r, 20));
    await cluster.consistent();
  });
});

describe('equip', () => {
  it('makes a network on every host that lacks it', async () => {
    const network = { name: 'net1', type: 'bridge', description: '', config: {} } as const;
    await a.store.commit({ guards: [], writes: [NETWORKS.put(NETWORKS.key('net1'), network)] });
    const all = () => cluster.view.list(NODE_STATUS).every(({ value }) => value.host.networks.includes('net1'));
    await cluster.until('all have it', all);
  });
});
