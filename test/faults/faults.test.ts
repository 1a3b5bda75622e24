import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS } from './faults.ts';
import { momentsOf, nameOf } from './moments.ts';

test('every moment at which a fault is tried exists in a mode', () => {
  const moments = new Set(momentsOf('post-copy').map(nameOf));
  const unknown = FAULTS.flatMap(({ at }) => (at === 'every' ? [] : at.filter(name => !moments.has(name))));
  assert.deepEqual(unknown, []);
});
