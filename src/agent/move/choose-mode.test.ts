import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseMode, type End } from './choose-mode.ts';
import { FIRST_PACE, learn, predict } from './pace.ts';

const MIB = 2 ** 20;
const end = (node: string, noPostCopy = '', noPreCopy = 'no soft-dirty'): End => ({
  node,
  modes: { noPostCopy, noPreCopy },
  pace: FIRST_PACE,
});
const able = [end('n1'), end('n2')] as const;
const unable = [end('n1'), end('n2', 'sysctl x is 0')] as const;
const tracking = [end('n1', '', ''), end('n2')] as const;
const onlyTracking = [end('n1', 'no faults', ''), end('n2', '', '')] as const;
const load = (memoryMib: number) => ({ memoryBytes: memoryMib * MIB, processes: 2 });

for (const [what, wanted, memoryMib, ends, mode, why] of [
  ['little memory moves at once', 'auto', 5, able, 'stop-and-copy', /takes \d+ ms/],
  ['much memory follows later', '', 1024, able, 'post-copy', /follows later/],
  ['unless a host cannot do that', 'auto', 1024, unable, 'stop-and-copy', /on n2 sysctl x is 0/],
  ['what was asked for is done', 'stop-and-copy', 1024, able, 'stop-and-copy', /as asked/],
  ['also for little memory', 'post-copy', 1, able, 'post-copy', /as asked/],
  ['or refused with the reason', 'post-copy', 1, unable, undefined, /post-copy: on n2 sysctl x/],
  ['and so is pre-copy', 'pre-copy', 1, able, undefined, /pre-copy: on n1 no soft-dirty/],
  ['which only its source must be able to', 'pre-copy', 1, tracking, 'pre-copy', /as asked/],
  ['post-copy goes before pre-copy', 'auto', 1024, tracking, 'post-copy', /follows later/],
  [
    'which goes before everything at once',
    'auto',
    1024,
    onlyTracking,
    'pre-copy',
    /in rounds \(no post-copy: on n1 no f/,
  ],
  ['but not when it is little', 'auto', 5, onlyTracking, 'stop-and-copy', /takes \d+ ms/],
] as const) {
  test(`how memory travels: ${what}`, () => {
    const choice = chooseMode(wanted, load(memoryMib), ...ends);
    assert.equal(choice.mode, mode);
    assert.match(choice.why, why);
  });
}

test('the pause of a post-copy hardly depends on memory, that of a stop-and-copy does', () => {
  const pause = (mode: 'stop-and-copy' | 'post-copy', memoryMib: number) =>
    predict(mode, { ...load(memoryMib), diskBytes: 0 }, FIRST_PACE, FIRST_PACE).pauseMs;
  assert.ok(pause('post-copy', 1024) < 2 * pause('post-copy', 8));
  assert.ok(pause('stop-and-copy', 1024) > 10 * pause('stop-and-copy', 8));
});

test('a host learns its pace: base times from small instances, those of processes from many, rates from large ones', () => {
  const dumpOf = (memoryBytes: number, processes: number) => 20 + 6 * processes + memoryBytes / (4 * MIB);
  let pace = FIRST_PACE;
  for (let move = 0; move < 60; move += 1) {
    for (const [mib, processes] of [
      [1, 2],
      [1, 30],
      [1024, 2],
    ] as const)
      pace = learn(pace, { phase: 'dump', ms: dumpOf(mib * MIB, processes), memoryBytes: mib * MIB, processes });
    pace = learn(pace, { phase: 'send', ms: 1, memoryBytes: 1 * MIB, processes: 2 });
  }
  assert.ok(Math.abs(pace.dumpMs - 20) < 2, `${pace.dumpMs}`);
  assert.ok(Math.abs(pace.dumpProcessMs - 6) < 0.3, `${pace.dumpProcessMs}`);
  assert.ok(Math.abs(pace.dumpRate - 4 * MIB) < 0.2 * MIB, `${pace.dumpRate}`);
  assert.equal(pace.sendRate, FIRST_PACE.sendRate);
});
