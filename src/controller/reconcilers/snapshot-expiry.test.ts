/** Snapshots end when their day has come, also when their host was away on that day. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { beginCreateInstance } from '../commands/create-instance.ts';
import { beginCreateSnapshot } from '../commands/snapshots.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { SNAPSHOTS } from '../spaces.ts';
import { openTestCluster, type TestCluster, type TestController } from '../testing/test-cluster.ts';
import { wish } from '../testing/wishes.ts';

let cluster: TestCluster;
let a: TestController;

beforeEach(async () => {
  cluster = await openTestCluster(['n1']);
  a = await cluster.controller('a');
  await done(beginCreateInstance(a, wish('c1')));
});
afterEach(() => cluster.close());

const done = async (begun: Promise<SagaRecord>): Promise<void> => {
  const record = await cluster.ended(await begun);
  assert.equal(record.state, 'succeeded', record.error?.message);
};
const snapshot = (name: string, expiresAt: string) =>
  done(beginCreateSnapshot(a, { project: 'default', name: 'c1', snapshot: name, stateful: false, expiresAt }));
const names = () => cluster.view.list(SNAPSHOTS).map(({ value }) => value.name);
const held = () => [...cluster.world.host('n1').instances.values()][0]!.snapshots.size;

it('deletes what has expired, one after the other, and nothing else', async () => {
  await snapshot('keep', '');
  await snapshot('later', '2100-01-01T00:00:00.000Z');
  await snapshot('old', '2020-01-01T00:00:00.000Z');
  await snapshot('older', '2019-01-01T00:00:00.000Z');
  await cluster.until('two are left', () => names().length === 2);
  assert.deepEqual(names(), ['keep', 'later']);
  assert.equal(held(), 2);
  await cluster.consistent();
});

it('finishes a deletion that was left half-done', async () => {
  await snapshot('half', '');
  const [stored] = cluster.view.list(SNAPSHOTS);
  await a.store.commit(SNAPSHOTS.replace(stored!, { ...stored!.value, phase: 'deleting' }));
  await cluster.until('it is gone', () => names().length === 0);
  assert.equal(held(), 0);
});
