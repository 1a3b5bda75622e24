import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { keyspace, together } from './keyspace.ts';
import { type MemoryStore, openMemoryStore } from './memory-store.ts';
import { openView, type View, type ViewChange } from './view.ts';

const nodes = keyspace<number>('nodes');
const instances = keyspace<string, [project: string, name: string]>('instances');

describe('view', () => {
  let store: MemoryStore;
  let end: AbortController;
  beforeEach(() => {
    store = openMemoryStore();
    end = new AbortController();
  });
  afterEach(() => end.abort());

  const open = () => openView(store, [nodes.prefix, instances.prefix], end.signal);
  const put = async (...writes: Parameters<MemoryStore['commit']>[0]['writes']) => {
    const result = await store.commit({ guards: [], writes });
    assert.equal(result.kind, 'committed');
    return result.revision;
  };
  const changesOf = (view: View) => {
    const seen: ViewChange[] = [];
    view.onChange(change => seen.push(change));
    return seen;
  };

  it('shows what was there, what comes, and what goes, parsed and in key order', async () => {
    await put(nodes.put(nodes.key('n2'), 2));
    const view = await open();
    await view.reached(await put(nodes.put(nodes.key('n1'), 1), { put: 'other/x', value: '1' }));
    assert.deepEqual(
      view.list(nodes).map(one => one.value),
      [1, 2],
    );
    assert.equal(view.get(nodes.key('n1')), view.list(nodes)[0], 'the same object, parsed once');
    assert.equal(view.list(keyspace('other')).length, 0);
    await view.reached(await put(nodes.delete(nodes.key('n2'))));
    assert.equal(view.get(nodes.key('n2')), undefined);
  });

  it('lists below the given first parts', async () => {
    await put(
      instances.put(instances.key('p', 'a'), 'x'),
      instances.put(instances.key('p', 'b'), 'y'),
      instances.put(instances.key('p2', 'a'), 'z'),
    );
    const view = await open();
    assert.equal(view.list(instances).length, 3);
    assert.deepEqual(
      view.list(instances, 'p').map(one => one.value),
      ['x', 'y'],
    );
  });

  it('tells of each transaction once, whole, with what was and what is', async () => {
    await put(nodes.put(nodes.key('n1'), 1));
    const view = await open();
    const seen = changesOf(view);
    const first = await put(nodes.put(nodes.key('n1'), 10), instances.put(instances.key('p', 'a'), 'x'));
    const second = await put(nodes.delete(nodes.key('n1')), { put: 'other/x', value: '1' });
    await view.reached(await put({ put: 'other/x', value: '2' }));
    assert.deepEqual(
      seen.map(one => [one.revision, one.changes.map(c => [c.key, c.before?.value, c.after?.value])]),
      [
        [
          first,
          [
            ['nodes/n1', 1, 10],
            ['instances/p/a', undefined, 'x'],
          ],
        ],
        [second, [['nodes/n1', 10, undefined]]],
      ],
    );
  });

  it('reaches the revision of a commit that changed nothing', async () => {
    const view = await open();
    const revision = await put(nodes.delete(nodes.key('never-was')));
    await view.reached(revision, AbortSignal.timeout(1000));
    assert.equal(view.revision, revision);
  });

  it('stops waiting for a revision when told to', async () => {
    const view = await open();
    const stop = new AbortController();
    const waiting = view.reached(1000n, stop.signal);
    stop.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
  });

  it('answers while the store is away, says since when, and catches up', async () => {
    const other = store.connect();
    await put(nodes.put(nodes.key('n1'), 1));
    const view = await open();
    assert.equal(view.stale, false);
    const before = Date.now();
    store.setReachable(false);
    await turn();
    assert.equal(view.stale, true);
    assert.ok(view.staleSinceMs! >= before && view.staleSinceMs! <= Date.now());
    assert.equal(view.get(nodes.key('n1'))!.value, 1);
    const { revision } = await other.commit({ guards: [], writes: [nodes.put(nodes.key('n1'), 2)] });
    store.setReachable(true);
    await view.reached(revision);
    assert.equal(view.stale, false);
    assert.equal(view.get(nodes.key('n1'))!.value, 2);
  });

  it('comes through a compaction with one change that says exactly what differs', async () => {
    const other = store.connect();
    await put(...['same', 'changed', 'gone'].map(name => nodes.put(nodes.key(name), 1)));
    const view = await open();
    const seen = changesOf(view);
    store.setReachable(false);
    await turn();
    const { revision } = await other.commit(
      together({
        guards: [],
        writes: [
          nodes.put(nodes.key('changed'), 2),
          nodes.put(nodes.key('new'), 3),
          nodes.delete(nodes.key('gone')),
          { put: 'other/x', value: '0' },
        ],
      }),
    );
    await other.commit({ guards: [], writes: [{ put: 'other/x', value: '1' }] });
    store.compact(revision + 1n);
    store.setReachable(true);
    await view.reached(revision);
    assert.equal(seen.length, 1);
    assert.deepEqual(
      new Set(seen[0]!.changes.map(c => `${c.key} ${c.before?.value} ${c.after?.value}`)),
      new Set(['nodes/changed 1 2', 'nodes/new undefined 3', 'nodes/gone 1 undefined']),
    );
  });

  it('leaves out a value that is not JSON, names it, and takes it back when it is mended', async () => {
    await put({ put: nodes.key('bad'), value: '{' });
    const view = await open();
    assert.deepEqual([...view.unreadable], ['nodes/bad']);
    assert.equal(view.list(nodes).length, 0);
    await view.reached(await put(nodes.put(nodes.key('bad'), 1)));
    assert.equal(view.unreadable.size, 0);
    assert.equal(view.list(nodes).length, 1);
  });

  it('keeps still after its signal aborts', async () => {
    const view = await open();
    end.abort();
    await put(nodes.put(nodes.key('n1'), 1));
    await turn();
    assert.equal(view.list(nodes).length, 0);
    await assert.rejects(view.reached(1000n), { code: 'cancelled' });
  });
});
