/** What a live move does when memory is lost on the way: what is on the disk begins again where its owner is, and it is said. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AppError } from '../../domain/errors.ts';
import type { MoveMode } from '../../domain/move-mode.ts';
import { beginChangeState } from '../commands/change-state.ts';
import { beginCreateInstance } from '../commands/create-instance.ts';
import { beginMoveInstance } from '../commands/move-instance.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { INSTANCES, NODE_STATUS, SAGAS, SERVER } from '../spaces.ts';
import { openTestCluster, type TestCluster, type TestController } from '../testing/test-cluster.ts';
import { wish } from '../testing/wishes.ts';

const c1 = { project: 'default', name: 'c1' };

describe('a live move whose memory is in danger', () => {
  let cluster: TestCluster;
  let a: TestController;
  const record = () => cluster.view.get(INSTANCES.key('default', 'c1'))!.value;
  const move = async (mode: MoveMode): Promise<SagaRecord> =>
    cluster.ended(await beginMoveInstance(a, { ...c1, live: true, mode, target: { node: 'n2' } }));

  beforeEach(async () => {
    cluster = await openTestCluster(['n1', 'n2']);
    a = await cluster.controller('a');
    await cluster.ended(await beginCreateInstance(a, wish('c1', { target: { node: 'n1' } })));
    await cluster.ended(await beginChangeState(a, { ...c1, action: 'start', force: true, timeoutSeconds: 1 }));
  });
  afterEach(() => cluster.close());

  it('died while it was saved: it runs on the source, anew', async () => {
    const n1 = cluster.world.host('n1');
    n1.tap = ({ verb, when }) => {
      if (verb !== 'freezeMove' || when !== 'before') return;
      n1.set(record().id, { state: 'stopped' });
      throw new AppError('unsupported', 'CRIU hung and was ended');
    };
    const { state, metadata, error } = await move('stop-and-copy');
    assert.equal(state, 'failed');
    assert.match(error!.message, /CRIU hung/);
    assert.match(String(metadata?.['berth.started_anew']), /died while it was saved/);
    assert.deepEqual([record().node, record().wanted], ['n1', 'running']);
    assert.deepEqual(cluster.world.runningOn(record().id), ['n1']);
    await cluster.consistent();
  });

  it('by post-copy, its source lost after the switch: it runs on the target, anew', async () => {
    cluster.world.host('n2').pages = 'lost';
    const { state, error } = await move('post-copy');
    assert.equal(state, 'failed');
    assert.match(error!.message, /not all of its memory: its source is gone\. It was started anew/);
    assert.deepEqual([record().node, record().wanted], ['n2', 'running']);
    assert.deepEqual(cluster.world.runningOn(record().id), ['n2']);
    await cluster.consistent();
  });

  it('by post-copy, its target away after the switch: the source keeps the memory until the target is back', async () => {
    await a.store.commit({
      guards: [],
      writes: [SERVER.put(SERVER.key('config'), { config: { 'cluster.offline_threshold': '0.3' } })],
    });
    const [n1, n2] = [cluster.world.host('n1'), cluster.world.host('n2')];
    n2.tap = ({ verb, when }) => {
      if (verb === 'resumeMove' && when === 'before') n2.setDown(true);
    };
    const begun = await beginMoveInstance(a, { ...c1, live: true, mode: 'post-copy', target: { node: 'n2' } });
    await cluster.until('n2 is offline', () => cluster.view.get(NODE_STATUS.key('n2'))?.value.state === 'offline');
    await new Promise(resolve => setTimeout(resolve, 300)); // a saga that gives up would have done so
    assert.equal(cluster.view.get(SAGAS.key(begun.id))?.value.state, 'running');
    assert.deepEqual(
      [...n1.moves.values()].map(({ state }) => state),
      ['held'],
    );
    n2.tap = undefined;
    n2.setDown(false);
    const { state, error } = await cluster.ended(begun);
    assert.equal(state, 'succeeded', error?.message);
    assert.deepEqual(cluster.world.runningOn(record().id), ['n2']);
    await cluster.consistent();
  });

  it('whose restore was killed when it may have run: it runs on the target, anew', async () => {
    const n2 = cluster.world.host('n2');
    let killed = false;
    n2.tap = ({ verb, when }) => {
      if (verb !== 'resumeMove' || killed) return;
      if (when === 'before') return;
      killed = true;
      n2.set(record().id, { state: 'stopped' });
      throw new AppError('unsupported', 'what ran could not go on');
    };
    const { state, metadata } = await move('post-copy');
    assert.equal(state, 'succeeded');
    assert.match(String(metadata?.['berth.started_anew']), /could not go on/);
    assert.deepEqual(cluster.world.runningOn(record().id), ['n2']);
    await cluster.consistent();
  });
});
