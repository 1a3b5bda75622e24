import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keyspace, together } from './keyspace.ts';
import { openMemoryStore } from './memory-store.ts';

interface Thing {
  readonly size: number;
}
const things = keyspace<Thing>('things');
const steps = keyspace<string, [saga: string, step: string]>('steps');

describe('keyspace', () => {
  it('builds keys from parts that no name can escape', () => {
    assert.equal(things.key('c1'), 'things/c1');
    assert.equal(steps.key('a/../b', 'c'), 'steps/a%2F..%2Fb/c');
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ minLength: 1 }), (a, b) => {
        const key = steps.key(a, b);
        assert.match(key, /^steps\/[!-~]+$/);
        assert.equal(key.split('/').length, 3);
        assert.deepEqual(steps.parts(key), [a, b]);
      }),
    );
  });

  it('refuses an empty name and half a character, as the mistake of the user they are', () => {
    assert.throws(() => things.key(''), { code: 'invalid' });
    assert.throws(() => things.key('\ud800'), { code: 'invalid' });
  });

  it('creates once, replaces and removes only what has not changed', async () => {
    const store = openMemoryStore();
    const key = things.key('c1');
    assert.equal((await store.commit(things.create(key, { size: 1 }))).kind, 'committed');
    assert.equal((await store.commit(things.create(key, { size: 2 }))).kind, 'refused');
    const first = (await things.read(store, key))!;
    assert.deepEqual(first.value, { size: 1 });
    assert.equal((await store.commit(things.replace(first, { size: 3 }))).kind, 'committed');
    assert.equal((await store.commit(things.replace(first, { size: 4 }))).kind, 'refused');
    assert.equal((await store.commit(things.remove(first))).kind, 'refused');
    const second = (await things.read(store, key))!;
    assert.equal((await store.commit(things.remove(second))).kind, 'committed');
    assert.equal(await things.read(store, key), undefined);
  });

  it('joins transactions into one that happens whole or not at all', async () => {
    const store = openMemoryStore();
    const both = together(things.create(things.key('a'), { size: 1 }), things.create(things.key('b'), { size: 2 }));
    await store.commit({ guards: [], writes: [things.put(things.key('b'), { size: 9 })] });
    assert.equal((await store.commit(both)).kind, 'refused');
    assert.equal((await things.readAll(store)).length, 1);
  });

  it('reads all that is below the given first parts, and not its neighbours', async () => {
    const store = openMemoryStore();
    for (const [saga, step] of [
      ['s', '1'],
      ['s', '2'],
      ['s2', '1'],
    ] as const)
      await store.commit(steps.create(steps.key(saga, step), 'done'));
    assert.deepEqual(
      (await steps.readAll(store, 's')).map(one => one.key),
      ['steps/s/1', 'steps/s/2'],
    );
    assert.equal((await steps.readAll(store)).length, 3);
  });

  it('names the key whose value is not JSON', async () => {
    const store = openMemoryStore();
    await store.commit({ guards: [], writes: [{ put: 'things/x', value: '{' }] });
    await assert.rejects(things.read(store, things.key('x')), /things\/x is not JSON/);
  });
});
