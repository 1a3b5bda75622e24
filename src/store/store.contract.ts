/** What every store must do: the same cases for the one in memory and for etcd. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Store, Transaction, WatchEvent } from './store.ts';
import { leaseContract } from './store-lease.contract.ts';
import { watchContract } from './store-watch.contract.ts';
import { recorder } from './test-recorder.ts';
import { MAX_OPERATIONS } from './transaction.ts';

export interface Subject {
  /** An empty key space; each call another. */
  open(): Promise<Store>;
  /** Another client of the key space opened last. */
  connect(): Promise<Store>;
  /** Forgets the history before `revision`. */
  compact(store: Store, revision: bigint): Promise<void>;
  /** Watches that still cost something. */
  watchers(store: Store): Promise<number>;
  stop(): Promise<void>;
}

/** What a case works with; `store` is another for each. */
export interface Context {
  readonly subject: Subject;
  readonly store: Store;
  /** Aborted after the case. */
  readonly end: AbortController;
  /** Without guards; the revision. */
  commit(...writes: Transaction['writes']): Promise<bigint>;
  put(key: string, value?: string): Promise<bigint>;
  keysOf(prefix: string): Promise<readonly string[]>;
  /** Until the end of the case. */
  watch(prefix: string, after: bigint): AsyncIterable<WatchEvent>;
}

export function storeContract(name: string, start: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let store: Store;
    let end: AbortController;
    before(async () => {
      subject = await start();
    });
    after(() => subject?.stop());
    beforeEach(async () => {
      end = new AbortController();
      store = await subject.open();
    });
    afterEach(async () => {
      end.abort();
      await store.close();
    });

    const commit = async (...writes: Transaction['writes']) => {
      const result = await store.commit({ guards: [], writes });
      assert.equal(result.kind, 'committed');
      return result.revision;
    };
    const put = (key: string, value = 'x') => commit({ put: key, value });
    const keysOf = async (prefix: string) => (await store.list(prefix)).entries.map(entry => entry.key);
    const context: Context = {
      get subject() {
        return subject;
      },
      get store() {
        return store;
      },
      get end() {
        return end;
      },
      commit,
      put,
      keysOf,
      watch: (prefix, after) => store.watch(prefix, after, end.signal),
    };

    describe('entries', () => {
      it('knows nothing of a key never written', async () => {
        assert.equal(await store.get('a'), undefined);
      });

      it('tells when an entry was created and last changed', async () => {
        const first = await put('a', 'one');
        assert.deepEqual(await store.get('a'), { key: 'a', value: 'one', createRevision: first, modRevision: first });
        const second = await put('a', 'two');
        assert.ok(second > first);
        assert.deepEqual(await store.get('a'), { key: 'a', value: 'two', createRevision: first, modRevision: second });
      });

      it('keeps empty, long and non-Latin values as they are', async () => {
        for (const value of ['', 'x'.repeat(1_400_000), '{"naïve":"日本 🛥️"}']) {
          await put('a', value);
          assert.equal((await store.get('a'))!.value, value);
        }
      });

      it('lists in key order exactly what starts with the prefix', async () => {
        await commit(...['b/2', 'b/10', 'b', 'b0', 'a/1', 'b/!', 'b/~', 'b/1'].map(key => ({ put: key, value: 'x' })));
        assert.deepEqual(await keysOf('b/'), ['b/!', 'b/1', 'b/10', 'b/2', 'b/~']);
        assert.deepEqual(await keysOf(''), ['a/1', 'b', 'b/!', 'b/1', 'b/10', 'b/2', 'b/~', 'b0']);
        assert.deepEqual(await keysOf('c'), []);
      });

      it('lists thousands of keys, and megabytes, at one revision', async () => {
        const keys = Array.from({ length: 2500 }, (_, i) => `n/${String(i).padStart(5, '0')}`);
        for (let i = 0; i < keys.length; i += 125)
          await commit(...keys.slice(i, i + 125).map(key => ({ put: key, value: 'small' })));
        for (let i = 0; i < 6; i++) await put(`n/big${i}`, 'x'.repeat(1_000_000));
        const { entries, revision } = await store.list('n/');
        assert.deepEqual(
          entries.map(entry => entry.key),
          [...keys, ...[0, 1, 2, 3, 4, 5].map(i => `n/big${i}`)],
        );
        assert.ok(entries.every(entry => entry.modRevision <= revision));
      });
    });

    describe('transactions', () => {
      it('write and delete all in one revision, and create anew what was deleted', async () => {
        const first = await commit({ put: 'a', value: '1' }, { put: 'b', value: '2' });
        const second = await commit({ delete: 'a' }, { put: 'c', value: '3' }, { delete: 'never-was' });
        assert.deepEqual(
          (await store.list('')).entries.map(({ key, modRevision }) => [key, modRevision]),
          [
            ['b', first],
            ['c', second],
          ],
        );
        const third = await put('a');
        assert.equal((await store.get('a'))!.createRevision, third);
      });

      it('do nothing when a guard fails, and name exactly the keys that failed', async () => {
        const revision = await put('a');
        const writes = [{ put: 'new', value: 'x' }, { delete: 'a' }];
        const refused = async (guards: Transaction['guards']) => {
          const result = await store.commit({ guards, writes });
          assert.equal(result.kind, 'refused');
          assert.deepEqual(await keysOf(''), ['a']);
          return result.kind === 'refused' && [...result.failed].sort();
        };
        assert.deepEqual(await refused([{ key: 'a', modRevision: revision - 1n }]), ['a']);
        assert.deepEqual(await refused([{ key: 'a', modRevision: 0n }]), ['a']);
        assert.deepEqual(await refused([{ key: 'a', exists: false }]), ['a']);
        assert.deepEqual(await refused([{ key: 'b', exists: true }]), ['b']);
        assert.deepEqual(
          await refused([
            { key: 'a', exists: true },
            { key: 'b', modRevision: 7n },
            { key: 'a', modRevision: revision },
            { key: 'c', exists: true },
            { key: 'd', exists: false },
            { key: 'e', modRevision: 0n },
          ]),
          ['b', 'c'],
        );
      });

      it('happen when all guards hold', async () => {
        const revision = await put('a');
        const guards = [
          { key: 'a', modRevision: revision },
          { key: 'a', exists: true },
          { key: 'b', exists: false },
          { key: 'c', modRevision: 0n },
        ];
        const result = await store.commit({ guards, writes: [{ put: 'b', value: 'x' }] });
        assert.equal(result.kind, 'committed');
        assert.equal((await store.get('b'))!.modRevision, result.revision);
      });

      it('without writes only ask', async () => {
        await put('a');
        assert.equal((await store.commit({ guards: [{ key: 'a', exists: true }], writes: [] })).kind, 'committed');
        const refused = await store.commit({ guards: [{ key: 'a', exists: false }], writes: [] });
        assert.deepEqual(refused.kind === 'refused' && refused.failed, ['a']);
      });

      it('let exactly one of many creators win', async () => {
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            store.commit({ guards: [{ key: 'a', exists: false }], writes: [{ put: 'a', value: `${i}` }] }),
          ),
        );
        assert.equal(results.filter(result => result.kind === 'committed').length, 1);
      });

      it('lose no increment of many at once', async () => {
        await put('n', '0');
        const increment = async (): Promise<void> => {
          const old = (await store.get('n'))!;
          const result = await store.commit({
            guards: [{ key: 'n', modRevision: old.modRevision }],
            writes: [{ put: 'n', value: String(Number(old.value) + 1) }],
          });
          if (result.kind === 'refused') await increment();
        };
        const worker = async () => {
          for (let i = 0; i < 10; i++) await increment();
        };
        await Promise.all([worker(), worker(), worker(), worker(), worker()]);
        assert.equal((await store.get('n'))!.value, '50');
      });

      it('may be as large as promised, and are refused beyond', async () => {
        const puts = (count: number) =>
          Array.from({ length: count }, (_, i) => ({ put: `many/${String(i).padStart(3, '0')}`, value: 'x' }));
        const guards = puts(MAX_OPERATIONS).map(one => ({ key: one.put, exists: false }));
        assert.equal((await store.commit({ guards, writes: puts(MAX_OPERATIONS) })).kind, 'committed');
        const refused = await store.commit({ guards, writes: puts(MAX_OPERATIONS) });
        assert.equal(refused.kind === 'refused' && refused.failed.length, MAX_OPERATIONS);
        await assert.rejects(commit(...puts(MAX_OPERATIONS + 1)), { code: 'internal' });
        await assert.rejects(commit({ put: 'a', value: 'x'.repeat(1_500_000) }), { code: 'exhausted' });
        await commit(...[0, 1, 2].map(i => ({ put: `large/${i}`, value: 'x'.repeat(499_900) })));
      });

      it('are refused as a bug when they write a key twice or a key that is none', async () => {
        await assert.rejects(commit({ put: 'a', value: 'x' }, { delete: 'a' }), { code: 'internal' });
        for (const key of ['', 'a b', 'ä', '.markers/x', 'a\n'])
          await assert.rejects(commit({ put: key, value: 'x' }), { code: 'internal' });
        await assert.rejects(store.get(''), { code: 'internal' });
        assert.deepEqual(await keysOf(''), []);
      });
    });

    watchContract(context);
    leaseContract(context);

    it('ends its watches and refuses calls when closed', async () => {
      const seen = recorder(store.watch('', 0n, new AbortController().signal));
      await put('a');
      await store.close();
      await seen.ended;
      await assert.rejects(store.get('a'), { code: 'cancelled' });
      await assert.rejects(put('a'), { code: 'cancelled' });
      await store.close();
    });
  });
}
