/** Connections that are cut in mid-message, again and again: no event lost or doubled, no write lost or doubled. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEtcdStore } from './etcd-store.ts';
import type { Store } from './store.ts';
import { startTestEtcd, type TestEtcd } from './test-etcd.ts';
import { type CuttingProxy, startCuttingProxy } from './test-proxy.ts';
import { isChange, progressed, recorder } from './test-recorder.ts';

const SEED = Number(process.env.BERTH_TEST_SEED ?? 7);

describe(`through a proxy that cuts connections (seed ${SEED})`, () => {
  let etcd: TestEtcd;
  let direct: Store;
  let proxy: CuttingProxy;
  let cut: Store;
  let end: AbortController;
  let spaces = 0;
  before(async () => {
    etcd = await startTestEtcd();
  });
  after(() => etcd?.stop());
  beforeEach(() => {
    end = new AbortController();
  });
  afterEach(async () => {
    end.abort();
    proxy.calm();
    await Promise.all([cut.close(), direct.close()]);
    await proxy.close();
  });

  const open = async (bytes: { least: number; most: number }) => {
    const prefix = `/chaos${++spaces}/`;
    proxy = await startCuttingProxy(etcd.endpoints[0]!, SEED, bytes);
    direct = openEtcdStore({ endpoints: etcd.endpoints, prefix });
    cut = openEtcdStore({ endpoints: [proxy.endpoint], prefix, budgetMs: 30_000 });
  };

  it('a watch delivers 2,000 writes exactly once and in order, each transaction whole', async t => {
    await open({ least: 300, most: 60_000 });
    const { revision } = await direct.list('');
    const all = recorder(cut.watch('', revision, end.signal));
    const some = recorder(cut.watch('odd/', revision, end.signal));
    const written: { readonly key: string; readonly revision: bigint }[] = [];
    let next = 0;
    const worker = async () => {
      while (next < 1000) {
        const i = next++;
        const keys = [`odd/${i}`, `even/${i}`];
        const result = await direct.commit({ guards: [], writes: keys.map(put => ({ put, value: `${i}` })) });
        written.push(...keys.map(key => ({ key, revision: result.revision })));
        // One message carries the whole backlog, and must fit into what a connection lives to carry.
        await all.until(progressed(result.revision - 100n));
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    written.sort((a, b) => Number(a.revision - b.revision));
    await all.until(progressed(written.at(-1)!.revision));
    await some.until(progressed(written.at(-1)!.revision));

    const told = (seen: typeof all) =>
      seen.events
        .filter(isChange)
        .map(event => ({ key: event.kind === 'put' && event.entry.key, revision: event.revision }));
    assert.equal(written.length, 2000);
    assert.deepEqual(told(all), written);
    assert.deepEqual(
      told(some),
      written.filter(({ key }) => key.startsWith('odd/')),
    );
    let puts = 0;
    for (const event of all.events)
      if (event.kind === 'put') puts++;
      else assert.equal(puts % 2, 0, 'no progress within a transaction');
    assert.ok(proxy.cuts > 20, `only ${proxy.cuts} cuts`);
    t.diagnostic(`${proxy.cuts} cuts`);
  });

  it('writes happen exactly once, and guards answer as if nothing had been repeated', async t => {
    await open({ least: 1000, most: 12_000 });
    const { revision } = await direct.list('');
    const seen = recorder(direct.watch('', revision, end.signal));
    const committed = new Map<string, bigint>();
    let next = 0;
    const worker = async () => {
      while (next < 600) {
        const key = `key/${next++}`;
        const created = await cut.commit({ guards: [{ key, exists: false }], writes: [{ put: key, value: 'new' }] });
        assert.equal(created.kind, 'committed', 'a repeat that met its own first attempt would be refused');
        const changed = await cut.commit({ guards: [], writes: [{ put: key, value: 'changed' }] });
        committed.set(`${key} new`, created.revision).set(`${key} changed`, changed.revision);
      }
    };
    await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(worker));
    const { revision: last } = await direct.commit({ guards: [], writes: [{ delete: 'nothing' }] });
    await seen.until(progressed(last));

    const happened = seen.events.filter(event => event.kind === 'put');
    assert.equal(happened.length, 1200, 'none lost, none doubled');
    for (const { entry, revision: at } of happened) assert.equal(committed.get(`${entry.key} ${entry.value}`), at);
    assert.ok(proxy.cuts > 20, `only ${proxy.cuts} cuts`);
    t.diagnostic(`${proxy.cuts} cuts`);
  });

  it('markers that vanish under the writer are replaced', async () => {
    await open({ least: 1e9, most: 1e9 });
    const put = (key: string) => cut.commit({ guards: [{ key, exists: false }], writes: [{ put: key, value: 'x' }] });
    await Promise.all(Array.from({ length: 20 }, (_, i) => put(`before${i}`)));
    for (const id of (await etcd.ctl('lease', 'list')).match(/^[0-9a-f]{10,}$/gm)!)
      await etcd.ctl('lease', 'revoke', id);
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => put(`after${i}`)));
    assert.ok(results.every(result => result.kind === 'committed'));
    assert.equal((await direct.list('')).entries.length, 40);
  });

  it('a write that etcd gets long after its sender gave up and repeated it does not happen again', async () => {
    await open({ least: 1e9, most: 1e9 });
    const { revision } = await direct.list('');
    const seen = recorder(direct.watch('', revision, end.signal));
    await cut.commit({ guards: [], writes: [{ put: 'before', value: 'x' }] });
    const held = proxy.holdNext();
    const writing = cut.commit({ guards: [], writes: [{ put: 'a', value: 'x' }] });
    const flush = await held;
    assert.equal(await direct.get('a'), undefined, 'the first attempt has not arrived');
    const { revision: committed } = await writing;
    const arrived = await etcd.metric(TXNS_HANDLED);
    flush();
    while ((await etcd.metric(TXNS_HANDLED)) === arrived) await sleep(10);
    const last = await direct.commit({ guards: [], writes: [{ delete: 'nothing' }] });
    await seen.until(progressed(last.revision));
    assert.deepEqual(
      seen.events
        .filter(isChange)
        .map(event => event.kind === 'put' && [event.entry.key, event.revision])
        .slice(1),
      [['a', committed]],
    );
  });
});

const TXNS_HANDLED =
  'grpc_server_handled_total{grpc_code="OK",grpc_method="Txn",grpc_service="etcdserverpb.KV",grpc_type="unary"}';
