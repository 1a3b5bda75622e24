/** What every store must do: the same cases for the one in memory and for etcd. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Store, Transaction, WatchEvent } from './store.ts';
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
    const watch = (prefix: string, from: bigint) => store.watch(prefix, from, end.signal);

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

    describe('watch', () => {
      it('replays from a revision of the past, goes on live, in order, only under its prefix', async () => {
        const first = await put('w/a', '1');
        const second = await commit({ put: 'w/b', value: '2' }, { put: 'other', value: 'x' }, { delete: 'w/a' });
        await put('wx', '3');
        const seen = recorder(watch('w/', first - 1n));
        await seen.until(progressed(second));
        const third = await put('w/c', '4');
        await seen.until(progressed(third));
        assert.deepEqual(seen.events.filter(isChange).map(brief), [
          `${first} put w/a 1`,
          `${second} put w/b 2`,
          `${second} delete w/a`,
          `${third} put w/c 4`,
        ]);
      });

      it('delivers only what is later than the revision it is given', async () => {
        await put('a', '1');
        const { revision } = await store.list('');
        const next = await put('a', '2');
        const seen = recorder(watch('', revision));
        await seen.until(progressed(next));
        assert.deepEqual(seen.events.filter(isChange).map(brief), [`${next} put a 2`]);
      });

      it('marks the end of each transaction, and never sooner', async () => {
        const { revision } = await store.list('');
        const seen = recorder(watch('t/', revision));
        for (let i = 0; i < 5; i++)
          await commit(...[0, 1, 2].map(j => ({ put: `t/${i}${j}`, value: 'x' })), { put: `u/${i}`, value: 'x' });
        await seen.until(isChangeOf('t/42'));
        await seen.until(() => seen.events.at(-1)?.kind === 'progress');
        const revisions = seen.events.slice(seen.events.findIndex(isChange)).map(event => [event.kind, event.revision]);
        const expected = [...new Set(seen.events.filter(isChange).map(event => event.revision))].flatMap(one => [
          ...[0, 1, 2].map(() => ['put', one]),
          ['progress', one],
        ]);
        assert.deepEqual(revisions, expected);
      });

      it('of everything tells also of a transaction that changed nothing', async () => {
        const { revision } = await store.list('');
        const seen = recorder(watch('', revision));
        const nothing = await commit({ delete: 'never-was' });
        await seen.until(progressed(nothing));
        assert.deepEqual(seen.events.filter(isChange), []);
      });

      it('does not tell of what was refused', async () => {
        const { revision } = await store.list('');
        await store.commit({ guards: [{ key: 'a', exists: true }], writes: [{ put: 'a', value: 'x' }] });
        const last = await put('b');
        const seen = recorder(watch('', revision));
        await seen.until(progressed(last));
        assert.deepEqual(seen.events.filter(isChange).map(brief), [`${last} put b x`]);
      });

      it('is reset by a fresh snapshot when its history is compacted, and goes on from there', async () => {
        const first = await put('w/a', '1');
        await put('w/a', '2');
        await put('other', 'x');
        const last = await put('w/b', '3');
        await subject.compact(store, last);
        const seen = recorder(watch('w/', first - 1n));
        await seen.until(event => event.kind === 'reset');
        const next = await put('w/c', '4');
        await seen.until(progressed(next));
        const told = seen.events.filter(event => event.kind !== 'progress');
        assert.deepEqual(
          told.map(event => (event.kind === 'reset' ? event.snapshot.entries.map(one => one.key) : brief(event))),
          [['w/a', 'w/b'], `${next} put w/c 4`],
        );
        const [reset] = told;
        assert.ok(reset?.kind === 'reset' && reset.revision === reset.snapshot.revision && reset.revision >= last);
      });

      it('replays megabytes, and revisions larger than one message', async () => {
        const { revision } = await store.list('');
        const value = 'x'.repeat(480_000);
        let last = 0n;
        for (let i = 0; i < 8; i++) last = await commit(...[0, 1, 2].map(j => ({ put: `${i}${j}`, value: value + i })));
        const seen = recorder(watch('', revision));
        await seen.until(progressed(last));
        assert.deepEqual(
          seen.events.filter(isChange).map(event => (event.kind === 'put' ? event.entry.key : '')),
          [0, 1, 2, 3, 4, 5, 6, 7].flatMap(i => [0, 1, 2].map(j => `${i}${j}`)),
        );
        assert.ok(
          seen.events.filter(isChange).every(event => event.kind === 'put' && event.entry.value.length === 480_001),
        );
      });

      it('ends when aborted or left, also while it waits, and leaves nothing behind', async () => {
        const { revision } = await store.list('');
        const before = await subject.watchers(store);
        const seen = Array.from({ length: 20 }, (_, i) => recorder(watch(i % 2 ? 'w/' : '', revision)));
        const last = await put('w/a');
        await Promise.all(seen.map(one => one.until(progressed(last))));
        assert.equal((await subject.watchers(store)) - before, 20);
        for await (const event of watch('', revision)) if (event.kind === 'put') break;
        end.abort();
        await Promise.all(seen.map(one => one.ended));
        while ((await subject.watchers(store)) > before) await new Promise(resolve => setTimeout(resolve, 5));
        for await (const _ of watch('', revision)) assert.fail('a watch with an aborted signal tells nothing');
      });
    });

    describe('leases', () => {
      it('take their keys with them when released, in one revision', async () => {
        const lease = await store.lease(5000);
        const bound = await commit(
          { put: 'l/a', value: '1', lease: lease.id },
          { put: 'l/b', value: '2', lease: lease.id },
          { put: 'l/free', value: '3' },
        );
        await commit({ put: 'l/b', value: '4' });
        const seen = recorder(watch('l/', bound + 1n));
        const rebound = await commit({ put: 'l/c', value: '5', lease: lease.id });
        await lease.release();
        await lease.lost;
        await seen.until(isChangeOf('l/c', 'delete'));
        assert.deepEqual(await keysOf('l/'), ['l/b', 'l/free']);
        const deletes = seen.events.filter(event => event.kind === 'delete');
        assert.deepEqual(
          deletes.map(event => event.key),
          ['l/a', 'l/c'],
        );
        assert.equal(deletes[0]!.revision, deletes[1]!.revision);
        assert.ok(deletes[0]!.revision > rebound);
        await lease.release(); // a second time is no harm
      });

      it('that are gone bind nothing: such a transaction does not happen', async () => {
        const lease = await store.lease(5000);
        await lease.release();
        const writes = [
          { put: 'a', value: 'x', lease: lease.id },
          { put: 'b', value: 'x' },
        ];
        await assert.rejects(store.commit({ guards: [], writes }), { code: 'not-found' });
        assert.deepEqual(await keysOf(''), []);
      });

      it('end when their client closes, and not those of others', async () => {
        const other = await subject.connect();
        const [mine, theirs] = [await store.lease(60_000), await other.lease(60_000)];
        await commit({ put: 'mine', value: 'x', lease: mine.id }, { put: 'theirs', value: 'x', lease: theirs.id });
        await other.close();
        await theirs.lost;
        assert.deepEqual(await keysOf(''), ['mine']);
      });
    });

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

/** Reads a watch in the background; `until` resolves when an event passes the test, also one that came before. */
export function recorder(source: AsyncIterable<WatchEvent>) {
  const events: WatchEvent[] = [];
  const waiting = new Set<() => void>();
  const ended = (async () => {
    for await (const event of source) {
      events.push(event);
      for (const wake of [...waiting]) wake();
    }
  })();
  const until = (test: (event: WatchEvent) => boolean) =>
    new Promise<void>(resolve => {
      const look = () => {
        if (!events.some(test)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { events, until, ended };
}

export const progressed = (revision: bigint) => (event: WatchEvent) =>
  event.kind === 'progress' && event.revision >= revision;

type ChangeEvent = Extract<WatchEvent, { kind: 'put' | 'delete' }>;
export const isChange = (event: WatchEvent): event is ChangeEvent => event.kind === 'put' || event.kind === 'delete';

const isChangeOf =
  (key: string, kind: 'put' | 'delete' = 'put') =>
  (event: WatchEvent) =>
    event.kind === kind && (event.kind === 'put' ? event.entry.key : event.key) === key;

const brief = (event: WatchEvent) =>
  event.kind === 'put'
    ? `${event.revision} put ${event.entry.key} ${event.entry.value}`
    : event.kind === 'delete'
      ? `${event.revision} delete ${event.key}`
      : event.kind;
