/** Snapshots by the clock: once for each time that is due, also when the leader changes. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { beginChangeState } from '../commands/change-state.ts';
import { beginCreateInstance } from '../commands/create-instance.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { SNAPSHOTS } from '../spaces.ts';
import { openTestCluster, quietLog, type TestCluster, type TestController } from '../testing/test-cluster.ts';
import { wish } from '../testing/wishes.ts';
import { snapshotSchedule } from './snapshot-schedule.ts';

let cluster: TestCluster;
let a: TestController;
beforeEach(async () => {
  cluster = await openTestCluster(['n1']);
  a = await cluster.controller('a');
});
afterEach(() => cluster.close());

const done = async (begun: Promise<SagaRecord>): Promise<void> => {
  const record = await cluster.ended(await begun);
  assert.equal(record.state, 'succeeded', record.error?.message);
};
const names = () => cluster.view.list(SNAPSHOTS).map(({ value }) => value.name);
/** One run, at a time of the test's choosing (minutes from now). */
const runAt = async (reconciler: ReturnType<typeof snapshotSchedule>, minutes: number) => {
  const clock = { ...a.clock, now: () => Date.now() - (Date.now() % 60_000) + minutes * 60_000 };
  const rest = { log: quietLog, news: () => undefined, refresh: () => {}, signal: new AbortController().signal };
  await reconciler.run({ ...a, ...rest, clock });
  await cluster.upToDate();
  await cluster.until('nothing is being made', () =>
    cluster.view.list(SNAPSHOTS).every(s => s.value.phase === 'ready'),
  );
  await cluster.consistent();
};
const config = { 'snapshots.schedule': '* * * * *', 'snapshots.pattern': 'auto%d', 'snapshots.expiry': '1d' };

it('takes one for each time that is due, and none of those that a sleep has missed', async () => {
  await done(beginCreateInstance(a, wish('c1', { config: { ...config, 'snapshots.schedule.stopped': 'true' } })));
  const reconciler = snapshotSchedule();
  await runAt(reconciler, 60);
  await runAt(reconciler, 60);
  assert.deepEqual(names(), ['auto0']);
  await runAt(snapshotSchedule(), 60); // another leader
  assert.deepEqual(names(), ['auto0']);
  await runAt(reconciler, 120);
  assert.deepEqual(names(), ['auto0', 'auto1']);
  const { value } = cluster.view.list(SNAPSHOTS)[0]!;
  assert.equal(Date.parse(value.expiresAt) - Date.parse(value.createdAt), 86_400_000);
});

it('leaves stopped ones alone unless told otherwise, and takes one at a start', async () => {
  await done(beginCreateInstance(a, wish('c1', { config: { ...config, 'snapshots.schedule': '@startup' } })));
  const reconciler = snapshotSchedule();
  await runAt(reconciler, 0);
  assert.deepEqual(names(), []);
  const power = { project: 'default', name: 'c1', force: true, timeoutSeconds: 1 };
  await done(beginChangeState(a, { ...power, action: 'start' }));
  await cluster.until('it is taken', () => names().length === 1); // by the leader's own
  await cluster.consistent();
});
