/** Three members, of which one is killed or falls silent: nobody gets an error, nothing is lost or doubled. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEtcdStore } from './etcd-store.ts';
import type { Store } from './store.ts';
import { startTestEtcd, type TestEtcd } from './test-etcd.ts';
import { progressed, recorder } from './test-recorder.ts';

describe('three members of etcd', () => {
  let etcd: TestEtcd;
  let store: Store;
  let end: AbortController;
  let spaces = 0;
  before(async () => {
    etcd = await startTestEtcd({ members: 3 });
  });
  after(() => etcd?.stop());
  beforeEach(() => {
    end = new AbortController();
    store = openEtcdStore({ endpoints: etcd.endpoints, prefix: `/failover${++spaces}/` });
  });
  afterEach(async () => {
    end.abort();
    await store.close();
  });

  it('kill -9 of the leader, twice, while 8 workers write: no error, every write once', async t => {
    const { revision } = await store.list('');
    const seen = recorder(store.watch('', revision, end.signal));
    const lease = await store.lease(10_000);
    let leaseLost = false;
    void lease.lost.then(() => {
      leaseLost = true;
    });
    const committed = new Map<string, bigint>();
    let longestGapMs = 0;
    let lastMs = Date.now();
    let stop = false;
    let next = 0;
    const worker = async () => {
      while (!stop) {
        const key = `key/${next++}`;
        const result = await store.commit({ guards: [{ key, exists: false }], writes: [{ put: key, value: 'x' }] });
        assert.equal(result.kind, 'committed');
        committed.set(key, result.revision);
        longestGapMs = Math.max(longestGapMs, Date.now() - lastMs);
        lastMs = Date.now();
      }
    };
    const reader = async () => {
      while (!stop) {
        await store.get('key/0');
        await sleep(20);
      }
    };
    const done = Promise.all([reader(), ...Array.from({ length: 8 }, worker)]);
    const more = async (count: number) => {
      const goal = committed.size + count;
      while (committed.size < goal) await Promise.race([done, sleep(10)]);
    };
    for (let round = 0; round < 2; round++) {
      await more(300);
      const leader = await etcd.leader();
      await etcd.kill(leader);
      await more(300);
      await etcd.restart(leader);
    }
    stop = true;
    await done;
    const { revision: last } = await store.commit({ guards: [], writes: [{ delete: 'nothing' }] });
    await seen.until(progressed(last));

    const happened = seen.events.filter(event => event.kind === 'put');
    assert.equal(happened.length, committed.size, 'the watch tells each once');
    for (const { entry, revision: at } of happened) assert.equal(committed.get(entry.key), at);
    assert.equal((await store.list('key/')).entries.length, committed.size);
    assert.equal(leaseLost, false);
    t.diagnostic(`${committed.size} writes, longest gap ${longestGapMs} ms`);
    assert.ok(longestGapMs < 8000, `a gap of ${longestGapMs} ms`);
  });

  it('a member that falls silent without closing its connections is left, by calls, the watch and the lease', async t => {
    const { revision } = await store.list('');
    const seen = recorder(store.watch('', revision, end.signal));
    const lease = await store.lease(6000);
    const before = await store.commit({ guards: [], writes: [{ put: 'a', value: 'x', lease: lease.id }] });
    await seen.until(progressed(before.revision));
    const silent = await holderOfWatch();
    etcd.freeze(silent);
    try {
      const startMs = Date.now();
      const { revision: during } = await store.commit({ guards: [], writes: [{ put: 'b', value: 'x' }] });
      const writtenMs = Date.now() - startMs;
      await seen.until(progressed(during));
      t.diagnostic(`write after ${writtenMs} ms, watch after ${Date.now() - startMs} ms`);
      const ttlIsOver = sleep(6500 - (Date.now() - startMs), 'kept');
      const outcome = await Promise.race([lease.lost.then(() => 'lost'), ttlIsOver]);
      assert.equal(outcome, 'kept');
    } finally {
      etcd.thaw(silent);
    }
    assert.deepEqual(
      seen.events.filter(event => event.kind === 'put').map(event => event.entry.key),
      ['a', 'b'],
    );
  });

  const holderOfWatch = async () => {
    for (const member of [0, 1, 2])
      if ((await etcd.metric('etcd_debugging_mvcc_watcher_total', member)) > 0) return member;
    return assert.fail('nobody has the watch');
  };
});
