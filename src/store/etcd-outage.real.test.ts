/** The only member gone or silent: errors say truly whether a write happened, leases end in time, the view goes on. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEtcdStore } from './etcd-store.ts';
import { keyspace } from './keyspace.ts';
import { startTestEtcd } from './test-etcd.ts';
import { recorder } from './test-recorder.ts';
import { openView } from './view.ts';

const things = keyspace<number>('things');

/** Each case has an etcd of its own, so that they can wait side by side. */
async function setUp(t: TestContext, budgetMs: number) {
  const etcd = await startTestEtcd();
  const store = openEtcdStore({ endpoints: etcd.endpoints, budgetMs });
  const end = new AbortController();
  t.after(async () => {
    end.abort();
    await store.close();
    await etcd.stop();
  });
  const put = (key: string) => store.commit({ guards: [], writes: [{ put: key, value: '1' }] });
  return { etcd, store, end, put };
}

describe('an outage of etcd', { concurrency: true }, () => {
  it('when it is gone, calls are unavailable and writes certainly not done; when it is back, all goes on', async t => {
    const { etcd, store, put } = await setUp(t, 1000);
    await put('a');
    await etcd.kill(0);
    try {
      // First a read: a write sent into a connection not yet known to be dead would rightly be `deadline`.
      await assert.rejects(store.get('a'), { code: 'unavailable' });
      await Promise.all([
        assert.rejects(put('b'), { code: 'unavailable' }),
        assert.rejects(store.list(''), { code: 'unavailable' }),
        assert.rejects(store.lease(5000), { code: 'unavailable' }),
      ]);
    } finally {
      await etcd.restart(0);
    }
    await put('c');
    assert.deepEqual(
      (await store.list('')).entries.map(entry => entry.key),
      ['a', 'c'],
    );
  });

  it('when it is silent, a write says that its outcome is not known, a read that it was not possible', async t => {
    const { etcd, store, end, put } = await setUp(t, 1000);
    await put('a');
    etcd.freeze(0);
    try {
      await Promise.all([
        assert.rejects(put('b'), { code: 'deadline' }),
        assert.rejects(store.get('a'), { code: 'unavailable' }),
      ]);
    } finally {
      etcd.thaw(0);
    }
    const seen = recorder(store.watch('', 0n, end.signal));
    await put('c');
    await seen.until(event => event.kind === 'put' && event.entry.key === 'c');
    assert.ok(seen.events.filter(event => event.kind === 'put' && event.entry.key === 'b').length <= 1);
  });

  it('a write that meets an outage shorter than the budget is done, once, without an error', async t => {
    const { etcd, store, put } = await setUp(t, 10_000);
    await put('a');
    await etcd.kill(0);
    const writing = store.commit({ guards: [{ key: 'b', exists: false }], writes: [{ put: 'b', value: '1' }] });
    await etcd.restart(0);
    assert.equal((await writing).kind, 'committed');
  });

  it('a lease lives on past its ttl while it is renewed, and is given up one ttl after renewals end', async t => {
    const { etcd, store } = await setUp(t, 1000);
    const lease = await store.lease(2000);
    await store.commit({ guards: [], writes: [{ put: 'a', value: '1', lease: lease.id }] });
    const lost = lease.lost.then(() => 'lost');
    assert.equal(await Promise.race([lost, sleep(3000, 'alive')]), 'alive');
    assert.ok(await store.get('a'));
    etcd.freeze(0);
    const startMs = Date.now();
    assert.equal(await Promise.race([lost, sleep(3000, 'alive')]), 'lost');
    const tookMs = Date.now() - startMs;
    etcd.thaw(0);
    t.diagnostic(`lost after ${tookMs} ms`);
    assert.ok(tookMs <= 2300, `a ttl is 2000 ms, it took ${tookMs} ms`);
    while (await store.get('a')) await sleep(100);
  });

  it('the view answers and says that it is stale; when etcd is back it catches up', async t => {
    const { etcd, store, end } = await setUp(t, 1000);
    await store.commit(things.create(things.key('a'), 1));
    const view = await openView(store, [things.prefix], end.signal);
    await etcd.kill(0);
    const startMs = Date.now();
    while (!view.stale) await sleep(20);
    t.diagnostic(`stale after ${Date.now() - startMs} ms`);
    assert.equal(view.get(things.key('a'))?.value, 1);
    await etcd.restart(0);
    const changed = await store.commit(things.create(things.key('b'), 2));
    await view.reached(changed.revision);
    assert.equal(view.stale, false);
    assert.equal(view.get(things.key('b'))?.value, 2);
    t.diagnostic(`fresh ${Date.now() - startMs} ms after the kill`);
  });
});
