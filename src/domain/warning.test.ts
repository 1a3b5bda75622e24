import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextWarnings, type Trouble, type WarningRecord, warningId } from './warning.ts';

const away: Trouble = {
  type: 'Offline cluster member',
  severity: 'low',
  location: 'n1',
  project: '',
  entity: '/1.0/cluster/members/n1',
  message: 'no word for 10 s',
};
const DAY = 24 * 3600 * 1000;
const one = (known: readonly WarningRecord[], troubles: readonly Trouble[], now: number) => {
  const { put, forget } = nextWarnings(known, troubles, now);
  assert.ok(put.length <= 1 && forget.length === 0);
  return put[0];
};

test('it is told once, follows its message, is over, and comes back as the same', () => {
  const first = one([], [away], 1000)!;
  assert.deepEqual([first.status, first.count, first.uuid], ['new', 1, warningId(away)]);
  assert.equal(one([first], [away], 2000), undefined);
  const later = one([first], [{ ...away, message: 'no word for 20 s' }], 3000)!;
  assert.deepEqual([later.message, later.firstSeenAt], ['no word for 20 s', first.firstSeenAt]);
  const over = one([later], [], 4000)!;
  assert.equal(over.status, 'resolved');
  assert.equal(one([over], [], 5000), undefined);
  const again = one([over], [away], 6000)!;
  assert.deepEqual([again.status, again.count, again.uuid], ['new', 2, first.uuid]);
});

test('what was acknowledged stays so while it lasts; what is over is forgotten after a day', () => {
  const acknowledged = { ...one([], [away], 0)!, status: 'acknowledged' as const };
  assert.equal(one([acknowledged], [away], 1000), undefined);
  const over = one([acknowledged], [], 1000)!;
  assert.deepEqual(nextWarnings([over], [], 2000 + DAY).forget, [over.uuid]);
});

test('ids are UUIDs, one for each thing', () => {
  assert.match(warningId(away), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(warningId(away), warningId({ ...away, location: 'n2' }));
});
