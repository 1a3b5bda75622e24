import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saysOnlyChanged } from './complaints.ts';
import { deltaOf } from './tree-delta.ts';
import { asShipped } from './tree-sender.ts';
import { type Entry, parseWalk, type Tree } from './tree-walk.ts';

const LATER = 1000;
const entry = (change: Partial<Entry> = {}): Entry => ({
  type: 'f',
  key: '1:1',
  links: 1,
  changedAt: '100.5',
  ...change,
});
const tree = (entries: Readonly<Record<string, Entry>>): Tree => new Map(Object.entries(entries));

test('nothing changed: nothing is shipped', () => {
  const now = tree({ '.': entry({ type: 'd' }), a: entry() });
  assert.deepEqual(deltaOf(now, now, LATER), { removals: [], changes: [] });
});

test('what is new, changed, replaced by another inode, or changed in the tick of the last round, is shipped', () => {
  const shipped = tree({ same: entry(), changed: entry(), replaced: entry(), fresh: entry({ changedAt: '1000' }) });
  const now = tree({
    same: entry(),
    changed: entry({ changedAt: '100.500001' }),
    replaced: entry({ key: '1:2' }),
    fresh: entry({ changedAt: '1000' }),
    added: entry(),
  });
  assert.deepEqual(deltaOf(now, shipped, LATER).changes, ['changed', 'replaced', 'fresh', 'added']);
});

test('what went, or became another kind of thing, is removed once, at the top', () => {
  const d = entry({ type: 'd' });
  const shipped = tree({
    gone: d,
    'gone/a': entry(),
    'gone/b/c': entry(),
    kind: d,
    'kind/x': entry(),
    'gone-not/y': entry(),
  });
  const now = tree({ kind: entry(), 'gone-not/y': entry() });
  assert.deepEqual(deltaOf(now, shipped, LATER), { removals: ['gone', 'kind'], changes: ['kind'] });
});

test('all paths of a file travel together when one of them is new', () => {
  const linked = entry({ key: '1:7', links: 2 });
  const shipped = tree({ one: linked, other: entry() });
  const now = tree({ one: linked, two: linked, other: entry() });
  assert.deepEqual(deltaOf(now, shipped, LATER).changes, ['one', 'two']);
});

test('the folder of a changed file travels too: replacing the file in the copy changes the time of the folder', () => {
  const d = entry({ type: 'd' });
  const shipped = tree({ '.': d, a: d, 'a/b': d, 'a/b/f': entry(), 'a/c': d });
  const now = tree({
    '.': d,
    a: d,
    'a/b': d,
    'a/b/f': entry({ changedAt: '101' }),
    'a/c': entry({ type: 'd', changedAt: '101' }),
  });
  assert.deepEqual(deltaOf(now, shipped, LATER).changes, ['a/b', 'a/b/f', 'a/c']);
});

test('sockets are not shipped: who listens makes them anew', () => {
  assert.deepEqual(deltaOf(tree({ s: entry({ type: 's' }) }), tree({}), LATER).changes, []);
});

test('what tar saw is remembered instead of what the walk saw; what it did not see is shipped again', () => {
  const now = tree({ a: entry(), b: entry(), c: entry() });
  const shipped = asShipped(now, ['a', 'b'], new Map([['a', { isFolder: false, changedAt: '200' }]]));
  assert.deepEqual(
    [...shipped.values()].map(each => each.changedAt),
    ['200', '', '100.5'],
  );
  assert.deepEqual(deltaOf(now, shipped, LATER).changes, ['a', 'b']);
});

test('a walk is read with any bytes in names, and times without padding', () => {
  const text = 'd 2049:2 3 1700000000.1000000000 \0f 2049:5 1 1700000000.0000000000 a b\n\xff\0';
  assert.deepEqual(
    [...parseWalk(text)],
    [
      ['.', { type: 'd', key: '2049:2', links: 3, changedAt: '1700000000.1' }],
      ['a b\n\xff', { type: 'f', key: '2049:5', links: 1, changedAt: '1700000000' }],
    ],
  );
  assert.throws(() => parseWalk('d 2049:2 3 17'), /half a line/);
});

test('complaints about a tree in use are told from real failures', () => {
  const gone =
    'tar: a: Cannot stat: No such file or directory\ntar: Exiting with failure status due to previous errors\n';
  assert.equal(saysOnlyChanged(gone), true);
  assert.equal(saysOnlyChanged('find: ‘./x’: No such file or directory'), true);
  for (const real of [
    'tar: a: Cannot write: No space left on device',
    'tar: a: Read error at byte 0: Input/output error',
    'tar: a: Cannot open: Permission denied',
    '',
  ]) {
    assert.equal(saysOnlyChanged(`${gone}${real}\n(it said more)`), false);
    assert.equal(saysOnlyChanged(real), false);
  }
});
