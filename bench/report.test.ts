import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concurrently } from './measure.ts';
import { findings, median, quantile, renderReport, summary } from './report.ts';

test('the middle of odd and even numbers of values', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(summary([212.4, 180, 260]), '212 [180-260]');
  assert.equal(summary([8.53]), '8.5');
});

test('a quantile is one of the values', () => {
  const values = Array.from({ length: 20 }, (_, index) => 20 - index);
  assert.deepEqual([quantile(values, 0.5), quantile(values, 0.9), quantile(values, 0.99)], [10, 18, 20]);
});

test('a report has a column for each peer', () => {
  const machine = { cpus: 2, memoryBytes: 24 * 1024 ** 3, kernel: '6.18', node: 'v24', load: 0.5 };
  const rows = [
    { what: 'start', unit: 'ms', values: [100, 120], peers: { LXD: [200, 240] }, goal: '<= 0.6' },
    { what: 'launches', unit: '/s', values: [9.5] },
  ] as const;
  assert.equal(
    renderReport({ name: 'x', at: '', machine, rows }, findings(rows).table),
    [
      'x: 2 CPUs, 24 GiB, Linux 6.18, Node v24, load 0.5',
      '',
      'median [min-max]  n  Berth             LXD            ratio  goal',
      'start             2  110 [100-120] ms  220 [200-240]  0.50   <= 0.6',
      'launches          1  9.5 /s',
    ].join('\n'),
  );
});

test('no more than the width are under way, and all are done', async () => {
  let now = 0;
  let most = 0;
  const { latenciesMs } = await concurrently([1, 2, 3, 4, 5], 2, async () => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now--;
  });
  assert.deepEqual([most, latenciesMs.length], [2, 5]);
});
