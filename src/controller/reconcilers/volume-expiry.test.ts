/** Snapshots of volumes end when their day has come; what was left half-deleted is finished. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { beginCreateVolumeSnapshot } from '../commands/volumes/snapshots.ts';
import { createVolume } from '../commands/volumes/volumes.ts';
import { VOLUME_SNAPSHOTS, VOLUMES } from '../spaces.ts';
import { openTestCluster, type TestCluster, type TestController } from '../testing/test-cluster.ts';
import { getVolume } from '../volumes/store.ts';

const v1 = { project: 'default', pool: 'default', name: 'v1' };
let cluster: TestCluster;
let a: TestController;

beforeEach(async () => {
  cluster = await openTestCluster(['n1']);
  a = await cluster.controller('a');
  await createVolume(a, { ...v1, node: 'n1', config: {}, description: '' });
  cluster.world.host('n1').volumes.set(getVolume(a.view, v1).value.id, new Set());
});
afterEach(() => cluster.close());

const names = () => cluster.view.list(VOLUME_SNAPSHOTS).map(({ value }) => value.name);
const snapshot = async (name: string, expiresAt: string) => {
  const begun = await beginCreateVolumeSnapshot(a, { ...v1, snapshot: name, expiresAt, description: '' });
  assert.equal((await cluster.ended(begun)).state, 'succeeded');
};

it('deletes what has expired, one after the other, and nothing else', async () => {
  await snapshot('keep', '');
  await snapshot('later', '2100-01-01T00:00:00.000Z');
  await snapshot('old', '2020-01-01T00:00:00.000Z');
  await snapshot('older', '2019-01-01T00:00:00.000Z');
  await cluster.until('two are left', () => names().length === 2);
  assert.deepEqual(names(), ['keep', 'later']);
  await cluster.consistent();
});

it('finishes deletions that were left half-done, of a volume that lay nowhere too', async () => {
  await snapshot('half', '');
  await createVolume(a, { ...v1, name: 'v2', node: '', config: {}, description: '' });
  for (const stored of cluster.view.list(VOLUMES))
    await a.store.commit(VOLUMES.replace(stored, { ...stored.value, phase: 'deleting' }));
  await cluster.until('both are gone', () => cluster.view.list(VOLUMES).length === 0);
  assert.deepEqual(names(), []);
  assert.equal(cluster.world.host('n1').volumes.size, 0);
});
