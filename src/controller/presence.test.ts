/** Controllers that come, go, lose the store, and are elected. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { beginCreateInstance } from './commands/create-instance.ts';
import { CONTROLLERS, INSTANCES, LEADER, SAGAS } from './spaces.ts';
import { openTestCluster, type TestCluster } from './testing/test-cluster.ts';
import { wish } from './testing/wishes.ts';

let cluster: TestCluster;
afterEach(() => cluster.close());

const leader = () => cluster.view.get(LEADER.key('reconcilers'))?.value.name;

describe('controllers', () => {
  it('have one leader, and another one when it dies', async () => {
    cluster = await openTestCluster(['n1']);
    const a = await cluster.controller('a');
    const b = await cluster.controller('b');
    assert.equal(leader(), 'a');
    assert.ok(a.core.isLeader() && !b.core.isLeader());
    a.mortal.kill();
    await cluster.until('b leads', () => leader() === 'b');
    assert.equal(cluster.view.get(CONTROLLERS.key('a')), undefined);
    const created = await cluster.ended(await beginCreateInstance(b, wish('c1')));
    assert.equal(created.state, 'succeeded');
  });

  it('that start again take over what they had begun, although their old lease still lives', async () => {
    cluster = await openTestCluster(['n1']);
    const first = await cluster.controller('a');
    const reached = Promise.withResolvers<void>();
    const { host } = cluster.world;
    host('n1').tap = ({ verb }) => {
      if (verb !== 'ensureInstance') return;
      reached.resolve();
      return new Promise(() => {});
    };
    const saga = await beginCreateInstance(first, wish('c1'));
    await reached.promise;
    host('n1').tap = undefined;
    await cluster.controller('a'); // the first is not killed: it hangs, and has not noticed
    await cluster.until('it is over', () => cluster.view.get(SAGAS.key(saga.id))?.value.state === 'succeeded');
    assert.equal(cluster.view.get(INSTANCES.key('default', 'c1'))?.value.phase, 'ready');
    await cluster.consistent();
  });
});

describe('while the store is away', () => {
  it('a saga waits and goes on; its lease lost, it is taken over under the next one', async () => {
    cluster = await openTestCluster(['n1']);
    const a = await cluster.controller('a');
    const { host } = cluster.world;
    const incarnation = a.core.presence()!.incarnation;
    let cut = false;
    host('n1').tap = ({ verb, when }) => {
      if (verb !== 'ensureInstance' || when !== 'after' || cut) return;
      cut = true;
      a.setReachable(false);
    };
    const saga = await beginCreateInstance(a, wish('c1'));
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.equal(cluster.view.get(SAGAS.key(saga.id))?.value.state, 'running');
    await assert.rejects(beginCreateInstance(a, wish('c2')), { code: 'unavailable' });
    // The lease runs out after five seconds; then the process knows that others may act.
    await cluster.until('its key is gone', () => cluster.view.get(CONTROLLERS.key('a')) === undefined);
    a.setReachable(true);
    await cluster.until('it is over', () => cluster.view.get(SAGAS.key(saga.id))?.value.state === 'succeeded');
    assert.notEqual(a.core.presence()!.incarnation, incarnation);
    await cluster.consistent();
  });
});
