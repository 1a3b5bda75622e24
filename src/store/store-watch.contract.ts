/** The contract of watches: order, completeness, resets, ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './store.contract.ts';
import { brief, isChange, isChangeOf, progressed, recorder } from './test-recorder.ts';

export function watchContract(at: Context): void {
  describe('watch', () => {
    it('replays from a revision of the past, goes on live, in order, only under its prefix', async () => {
      const first = await at.put('w/a', '1');
      const second = await at.commit({ put: 'w/b', value: '2' }, { put: 'other', value: 'x' }, { delete: 'w/a' });
      await at.put('wx', '3');
      const seen = recorder(at.watch('w/', first - 1n));
      await seen.until(progressed(second));
      const third = await at.put('w/c', '4');
      await seen.until(progressed(third));
      assert.deepEqual(seen.events.filter(isChange).map(brief), [
        `${first} put w/a 1`,
        `${second} put w/b 2`,
        `${second} delete w/a`,
        `${third} put w/c 4`,
      ]);
    });

    it('delivers only what is later than the revision it is given', async () => {
      await at.put('a', '1');
      const { revision } = await at.store.list('');
      const next = await at.put('a', '2');
      const seen = recorder(at.watch('', revision));
      await seen.until(progressed(next));
      assert.deepEqual(seen.events.filter(isChange).map(brief), [`${next} put a 2`]);
    });

    it('marks the end of each transaction, and never sooner', async () => {
      const { revision } = await at.store.list('');
      const seen = recorder(at.watch('t/', revision));
      for (let i = 0; i < 5; i++)
        await at.commit(...[0, 1, 2].map(j => ({ put: `t/${i}${j}`, value: 'x' })), { put: `u/${i}`, value: 'x' });
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
      const { revision } = await at.store.list('');
      const seen = recorder(at.watch('', revision));
      const nothing = await at.commit({ delete: 'never-was' });
      await seen.until(progressed(nothing));
      assert.deepEqual(seen.events.filter(isChange), []);
    });

    it('does not tell of what was refused', async () => {
      const { revision } = await at.store.list('');
      await at.store.commit({ guards: [{ key: 'a', exists: true }], writes: [{ put: 'a', value: 'x' }] });
      const last = await at.put('b');
      const seen = recorder(at.watch('', revision));
      await seen.until(progressed(last));
      assert.deepEqual(seen.events.filter(isChange).map(brief), [`${last} put b x`]);
    });

    it('is reset by a fresh snapshot when its history is compacted, and goes on from there', async () => {
      const first = await at.put('w/a', '1');
      await at.put('w/a', '2');
      await at.put('other', 'x');
      const last = await at.put('w/b', '3');
      await at.subject.compact(at.store, last);
      const seen = recorder(at.watch('w/', first - 1n));
      await seen.until(event => event.kind === 'reset');
      const next = await at.put('w/c', '4');
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
      const { revision } = await at.store.list('');
      const value = 'x'.repeat(480_000);
      let last = 0n;
      for (let i = 0; i < 8; i++)
        last = await at.commit(...[0, 1, 2].map(j => ({ put: `${i}${j}`, value: value + i })));
      const seen = recorder(at.watch('', revision));
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
      const { revision } = await at.store.list('');
      const before = await at.subject.watchers(at.store);
      const seen = Array.from({ length: 20 }, (_, i) => recorder(at.watch(i % 2 ? 'w/' : '', revision)));
      const last = await at.put('w/a');
      await Promise.all(seen.map(one => one.until(progressed(last))));
      assert.equal((await at.subject.watchers(at.store)) - before, 20);
      for await (const event of at.watch('', revision)) if (event.kind === 'put') break;
      at.end.abort();
      await Promise.all(seen.map(one => one.ended));
      while ((await at.subject.watchers(at.store)) > before) await sleep(5);
      for await (const _ of at.watch('', revision)) assert.fail('a watch with an aborted signal tells nothing');
    });
  });
}
