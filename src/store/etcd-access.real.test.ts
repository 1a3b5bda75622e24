/** etcd behind TLS, behind users and roles, and with its quota used up. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Identity, issue, makeAuthority } from '../kit/certificates.ts';
import type { EtcdTls } from './etcd-connection.ts';
import { type EtcdOptions, openEtcdStore } from './etcd-store.ts';
import type { Store } from './store.ts';
import { startTestEtcd, type TestEtcd } from './test-etcd.ts';
import { startCuttingProxy } from './test-proxy.ts';
import { progressed, recorder } from './test-recorder.ts';

const put = (store: Store, key: string, value = '1') => store.commit({ guards: [], writes: [{ put: key, value }] });

async function using<R>(options: EtcdOptions, use: (store: Store) => Promise<R>): Promise<R> {
  const store = openEtcdStore({ budgetMs: 500, ...options });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

describe('etcd with TLS and client certificates, reached by address', () => {
  let authority: Identity;
  let etcd: TestEtcd;
  let tls: EtcdTls;
  before(async () => {
    authority = await makeAuthority('test');
    etcd = await startTestEtcd({ authority });
    tls = { ca: authority.cert, ...(await issue(authority, 'berth', [])) };
  });
  after(() => etcd?.stop());

  it('takes who has a certificate of the authority, without a warning of Node', async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => warnings.push(warning.message);
    process.on('warning', note);
    await using({ endpoints: etcd.endpoints.map(one => `https://${one}`), tls }, async store => {
      await put(store, 'a');
      assert.equal((await store.get('a'))?.value, '1');
      const end = new AbortController();
      for await (const event of store.watch('', 0n, end.signal)) if (event.kind === 'put') break;
      const lease = await store.lease(5000);
      await lease.release();
    });
    process.off('warning', note);
    assert.deepEqual(warnings, []);
  });

  it('refuses whoever has none, and is refused when its own is of another authority or for another address', async () => {
    const { endpoints } = etcd;
    const unavailable = { code: 'unavailable' };
    const get = (options: EtcdOptions) => using(options, store => store.get('a'));
    await assert.rejects(get({ endpoints, tls: { ca: authority.cert } }), unavailable);
    await assert.rejects(get({ endpoints, tls: { ...tls, ca: (await makeAuthority('other')).cert } }), unavailable);
    const proxy = await startCuttingProxy(endpoints[0]!, 1, { least: 1e9, most: 1e9 });
    await assert.rejects(get({ endpoints: [proxy.endpoint], tls }), unavailable);
    await proxy.close();
  });
});

describe('etcd with users and roles', () => {
  let etcd: TestEtcd;
  const root = '--user=root:secret';
  const auth = { user: 'berth', password: 'ship:ahoy' };
  before(async () => {
    etcd = await startTestEtcd();
    await etcd.ctl('user', 'add', 'root:secret');
    await etcd.ctl('user', 'grant-role', 'root', 'root');
    await etcd.ctl('role', 'add', 'berth');
    await etcd.ctl('role', 'grant-permission', 'berth', 'readwrite', '--prefix=true', '/berth/');
    await etcd.ctl('user', 'add', `${auth.user}:${auth.password}`);
    await etcd.ctl('user', 'grant-role', 'berth', 'berth');
    await etcd.ctl('auth', 'enable');
  });
  after(() => etcd?.stop());

  it('works for a user whose role has the prefix, also when tokens are lost or overtaken', async () => {
    await using({ endpoints: etcd.endpoints, auth, budgetMs: 10_000 }, async store => {
      const end = new AbortController();
      const first = await put(store, 'a');
      const seen = recorder(store.watch('', 0n, end.signal));
      const lease = await store.lease(3000);
      let lost = false;
      void lease.lost.then(() => {
        lost = true;
      });
      await seen.until(progressed(first.revision));

      await etcd.kill(0); // tokens are in its memory only
      await etcd.restart(0);
      const second = await put(store, 'b');
      await seen.until(progressed(second.revision));

      await etcd.ctl(root, 'user', 'add', 'another:x'); // makes all tokens old
      const third = await put(store, 'c');
      await seen.until(progressed(third.revision));
      assert.equal((await store.list('')).entries.length, 3);

      await sleep(3500);
      assert.equal(lost, false, 'the lease was renewed with the new tokens');
      await store.commit({ guards: [], writes: [{ put: 'd', value: 'x', lease: lease.id }] });
      await lease.release();
      assert.equal(await store.get('d'), undefined);
      end.abort();
      await seen.ended;
    });
  });

  it('says what is wrong when it is the password, the missing user or the prefix', async () => {
    const { endpoints } = etcd;
    const fails = (options: Omit<EtcdOptions, 'endpoints'>, message: RegExp) =>
      using({ endpoints, ...options }, async store => {
        await assert.rejects(store.get('a'), { code: 'internal', message });
        await assert.rejects(put(store, 'a'), { code: 'internal', message });
      });
    await fails({ auth: { ...auth, password: 'wrong' } }, /authentication failed/);
    await fails({}, /user name is empty/);
    await fails({ auth, prefix: '/elsewhere/' }, /permission denied/);
  });
});

describe('etcd with its quota used up', () => {
  let etcd: TestEtcd;
  before(async () => {
    etcd = await startTestEtcd({ args: ['--quota-backend-bytes=4000000'] });
  });
  after(() => etcd?.stop());

  it('refuses writes as exhausted, and says so exactly of those that did not happen', async t => {
    await using({ endpoints: etcd.endpoints }, async store => {
      const outcomes = new Map<string, boolean>();
      const write = async () => {
        const key = `key${outcomes.size}`;
        outcomes.set(key, false);
        const outcome = await put(store, key, 'x'.repeat(100_000)).catch(error => error);
        if (outcome instanceof Error) assert.equal((outcome as { code?: string }).code, 'exhausted', String(outcome));
        outcomes.set(key, !(outcome instanceof Error));
      };
      // Many at once, because it is those who cross the limit together of whom etcd says "no space" and does them.
      while ([...outcomes.values()].every(done => done)) await Promise.all(Array.from({ length: 16 }, write));
      await write();
      t.diagnostic(`${[...outcomes.values()].filter(done => done).length} of ${outcomes.size} writes done`);
      for (const [key, done] of outcomes) assert.equal((await store.get(key)) !== undefined, done, key);
    });
  });
});
