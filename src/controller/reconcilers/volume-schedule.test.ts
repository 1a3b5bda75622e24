import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createVolume } from '../commands/volumes/volumes.ts';
import { VOLUME_SNAPSHOTS } from '../spaces.ts';
import { openTestCluster, quietLog } from '../testing/test-cluster.ts';
import { volumeSchedule } from './volume-schedule.ts';

it('takes one snapshot of a volume for each time that is due, whoever leads, and none where it lies nowhere', async () => {
  const cluster = await openTestCluster(['n1']);
  try {
    const a = await cluster.controller('a');
    const v1 = { project: 'default', pool: 'default', name: 'v1', description: '' };
    const config = { 'snapshots.schedule': '* * * * *', 'snapshots.pattern': 'auto%d', 'snapshots.expiry': '1d' };
    await createVolume(a, { ...v1, node: 'n1', config });
    await createVolume(a, { ...v1, name: 'v2', node: '', config });
    const names = () => cluster.view.list(VOLUME_SNAPSHOTS).map(({ value }) => value.name);
    const runAt = async (reconciler: ReturnType<typeof volumeSchedule>, minutes: number) => {
      const clock = { ...a.clock, now: () => Date.now() - (Date.now() % 60_000) + minutes * 60_000 };
      const rest = { log: quietLog, news: () => undefined, refresh: () => {}, signal: new AbortController().signal };
      await reconciler.run({ ...a, ...rest, clock });
      await cluster.upToDate();
      await cluster.until('nothing is being made', () =>
        cluster.view.list(VOLUME_SNAPSHOTS).every(({ value }) => value.phase === 'ready'),
      );
    };
    const reconciler = volumeSchedule();
    await runAt(reconciler, 60);
    await runAt(reconciler, 60);
    await runAt(volumeSchedule(), 60); // another leader
    assert.deepEqual(names(), ['auto0']);
    await runAt(reconciler, 120);
    assert.deepEqual(names(), ['auto0', 'auto1']);
    const { value } = cluster.view.list(VOLUME_SNAPSHOTS)[0]!;
    assert.equal(Date.parse(value.expiresAt) - Date.parse(value.createdAt), 86_400_000);
    await assert.rejects(
      createVolume(a, { ...v1, name: 'v3', node: '', config: { 'snapshots.schedule': '@startup' } }),
      /snapshots\.schedule/,
    );
  } finally {
    await cluster.close();
  }
});
