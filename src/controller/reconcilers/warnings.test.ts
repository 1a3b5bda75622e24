/** A host that is away is a warning until it is back. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { SERVER, WARNINGS } from '../spaces.ts';
import { openTestCluster, type TestCluster } from '../testing/test-cluster.ts';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await openTestCluster(['n1', 'n2']);
  const a = await cluster.controller('a');
  await a.store.commit({
    guards: [],
    writes: [SERVER.put(SERVER.key('config'), { config: { 'cluster.offline_threshold': '0.3' } })],
  });
});
afterEach(() => cluster.close());

const told = () =>
  cluster.view.list(WARNINGS).map(({ value }) => `${value.type} ${value.location} ${value.status} ${value.count}`);

it('is new while the host is away, resolved when it is back, and the same one the next time', async () => {
  const host = cluster.world.host('n2');
  host.setDown(true);
  await cluster.until('it is told', () => told().length === 1);
  assert.deepEqual(told(), ['Offline cluster member n2 new 1']);
  host.setDown(false);
  await cluster.until('it is over', () => told()[0]!.endsWith('resolved 1'));
  host.setDown(true);
  await cluster.until('it is back', () => told()[0]!.endsWith('new 2'));
  assert.equal(told().length, 1);
});
