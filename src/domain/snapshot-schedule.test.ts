import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtStartup, lastDue, snapshotSchedule } from './snapshot-schedule.ts';

/** A Wednesday. */
const NOW = Date.parse('2026-07-15T06:30:45Z');
const WITHIN = 5 * 60_000;
const due = (schedule: string, now = NOW, seed = '') => {
  const at = lastDue(schedule, seed, now, WITHIN);
  return at === undefined ? undefined : new Date(at).toISOString().slice(11, 16);
};

describe('snapshots.schedule', () => {
  for (const [schedule, at] of [
    ['30 6 * * *', '06:30'],
    ['28 6 * * *', '06:28'],
    ['20 6 * * *', undefined], // too long ago: it is not made up for
    ['31 6 * * *', undefined], // still to come
    ['*/15 * * * *', '06:30'],
    ['0,30 6-8 * jul wed', '06:30'],
    ['30 6 * * mon-fri', '06:30'],
    ['30 6 * * 0,6', undefined],
    ['30 6 1 * 3', '06:30'], // either of the two days
    ['30 6 1 * *', undefined],
    ['0 5 * * *, 29 6 * * *', '06:29'],
    ['@never', undefined],
    ['', undefined],
    ['@startup', undefined],
  ] as const) {
    it(`${schedule || '(none)'}: ${at ?? 'nothing is due'}`, () => assert.equal(due(schedule), at));
  }

  it('gives each instance a minute of its own with an alias', () => {
    const hour = (seed: string) =>
      Array.from({ length: 60 }, (_, i) => NOW - (NOW % 3_600_000) + i * 60_000).filter(
        now => lastDue('@hourly', seed, now, 60_000) !== undefined,
      );
    assert.equal(hour('a').length, 1);
    assert.notDeepEqual(hour('a'), hour('b'));
    const midnight = Date.parse('2026-07-15T00:59:00Z');
    assert.notEqual(lastDue('@hourly,@daily', 'a', midnight, 3_600_000), undefined);
  });

  it('knows what is due at a start', () => {
    assert.equal(isAtStartup('@daily, @startup'), true);
    assert.equal(isAtStartup('@daily'), false);
  });

  for (const bad of [
    'often',
    '* * * *',
    '60 * * * *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    '@fortnightly',
    '1-2-3 * * * *',
  ])
    it(`refuses ${bad}`, () => assert.throws(() => snapshotSchedule('snapshots.schedule', bad), /cron expression/));
  for (const good of ['@hourly', '@daily,@startup', '0 6 * * *, 0 18 * * *', '@never', '0,30 */2 1-7 jan-mar sun'])
    it(`takes ${good}`, () => snapshotSchedule('snapshots.schedule', good));
});
