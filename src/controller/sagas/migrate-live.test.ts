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
import { SOURCE_BACK_MS } from './pull-memory.ts';

const c1 = { project: 'default', name: 'c1' };

describe('a live move whose memory is in danger', () => {
  let cluster: TestCluster;
  let a: TestController;
  const record = () => cluster.view.get(INSTANCES.key('default', 'c1'))!.value;
  const soonOffline = () =>
    a.store.commit({
      guards: [],
      writes: [SERVER.put(SERVER.key('config'), { config: { 'cluster.offline_threshold': '0.3' } })],
    });
  const status = (node: string) => cluster.view.get(NODE_STATUS.key(node))?.value;
  const isOffline = (node: string) => cluster.until(`${node} is offline`, () => status(node)?.state === 'offline');
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
    await soonOffline();
    const [n1, n2] = [cluster.world.host('n1'), cluster.world.host('n2')];
    n2.tap = ({ verb, when }) => {
      if (verb === 'resumeMove' && when === 'before') n2.setDown(true);
    };
    const begun = await beginMoveInstance(a, { ...c1, live: true, mode: 'post-copy', target: { node: 'n2' } });
    await isOffline('n2');
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

  describe('by post-copy, its source away after the switch', () => {
    /** A move whose memory has not come when its source goes away. */
    async function moveCutOff(): Promise<SagaRecord> {
      await soonOffline();
      const [n1, n2] = [cluster.world.host('n1'), cluster.world.host('n2')];
      n2.pages = 'cut';
      n2.tap = ({ verb, when }) => {
        if (verb === 'resumeMove' && when === 'after') n1.setDown(true);
      };
      const begun = await beginMoveInstance(a, { ...c1, live: true, mode: 'post-copy', target: { node: 'n2' } });
      await isOffline('n1');
      return begun;
    }

    it('the operation says what it waits for, and goes on when the source is back', async () => {
      const begun = await moveCutOff();
      const said = () => String(cluster.view.get(SAGAS.key(begun.id))?.value.metadata?.fs_progress);
      await cluster.until('it is said', () => said() === 'memory: waiting for node n1, which has the rest of it');
      await new Promise(resolve => setTimeout(resolve, 300)); // a saga that gives up would have done so
      assert.equal(cluster.view.get(SAGAS.key(begun.id))?.value.state, 'running');
      assert.deepEqual(cluster.world.runningOn(record().id), ['n2']);
      cluster.world.host('n1').setDown(false);
      const { state, metadata, error } = await cluster.ended(begun);
      assert.equal(state, 'succeeded', error?.message);
      assert.equal(metadata?.['berth.started_anew'], undefined);
      assert.doesNotMatch(said(), /waiting/);
      await cluster.consistent();
    });

    it('it is given up a minute after it was called offline, and started anew on the target', async () => {
      const begun = await moveCutOff();
      const since = status('n1')!.since - SOURCE_BACK_MS;
      await a.store.commit({
        guards: [],
        writes: [NODE_STATUS.put(NODE_STATUS.key('n1'), { ...status('n1')!, since })],
      });
      const { state, error } = await cluster.ended(begun);
      assert.equal(state, 'failed');
      assert.match(error!.message, /node n1 was lost before all memory had left it\. It was started anew/);
      assert.deepEqual(cluster.world.runningOn(record().id), ['n2']);
      cluster.world.host('n1').setDown(false);
      await cluster.consistent();
    });
  });

  it('finds no room on the target after the switch: it is said, and it runs there as soon as there is', async () => {
    const n2 = cluster.world.host('n2');
    let full = true;
    n2.tap = ({ verb, when }) => {
      if (full && verb === 'resumeMove' && when === 'before') throw new AppError('exhausted', 'No space left in /data');
    };
    const begun = await beginMoveInstance(a, { ...c1, live: true, mode: 'stop-and-copy', target: { node: 'n2' } });
    const said = () => cluster.view.get(SAGAS.key(begun.id))?.value.metadata?.fs_progress;
    await cluster.until('it is said', () => said() === 'No space left in /data');
    full = false;
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
