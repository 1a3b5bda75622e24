import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiryOf, snapshotExpiry } from './snapshot-expiry.ts';
import { nextSnapshotName, snapshotPattern } from './snapshot-name.ts';

const NOW = Date.UTC(2026, 10, 23, 16, 5, 9);

test('names that nobody gave count on from the highest', () => {
  const cases = [
    [undefined, [], 'snap0'],
    ['', ['snap0', 'snap7', 'snapx', 'other'], 'snap8'],
    ['%d-daily', ['3-daily', '9'], '4-daily'],
    ["{{ creation_date|date:'2006-01-02_15-04-05' }}", [], '2026-11-23_16-05-09'],
    ['{{creation_date}}', ['2026-11-23_16-05-09'], '2026-11-23_16-05-09-0'],
    ['d{{ creation_date | date:"060102" }}', ['d261123', 'd261123-0'], 'd261123-1'],
  ] as const;
  for (const [pattern, taken, name] of cases) assert.equal(nextSnapshotName(pattern, taken, NOW), name);
});

test('patterns that make no names are refused', () => {
  for (const bad of ['a/b', '{{ config.user }}', 'a b%d', '{% if %}']) {
    assert.throws(() => snapshotPattern('snapshots.pattern', bad), { code: 'invalid' }, bad);
  }
});

test('an expiry is a time of the calendar', () => {
  const cases = [
    ['30M', '2026-11-23T16:35:09.000Z'],
    ['1d 2H', '2026-11-24T18:05:09.000Z'],
    ['1w', '2026-11-30T16:05:09.000Z'],
    ['2m', '2027-01-23T16:05:09.000Z'],
    ['1y', '2027-11-23T16:05:09.000Z'],
  ] as const;
  for (const [text, at] of cases) assert.equal(new Date(expiryOf(text, NOW)!).toISOString(), at);
  assert.equal(expiryOf('', NOW), undefined);
  assert.equal(expiryOf(undefined, NOW), undefined);
  for (const bad of ['1', 'd', '1d2x', '1h', '-1d']) {
    assert.throws(() => snapshotExpiry('snapshots.expiry', bad), { code: 'invalid' }, bad);
  }
});
