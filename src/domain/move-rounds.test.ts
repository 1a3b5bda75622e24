import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anotherRoundPays, type MoveRound } from './move-rounds.ts';

const MIB = 2 ** 20;
const quiet = { bytes: 1000, ms: 10 };

/** Rounds until it is frozen: memory of `bytes`, written to at one rate, shipped at another, each with some time of its own. */
function rounds(bytes: number, dirtyPerMs: number, shippedPerMs: number, ownMs = 60): readonly MoveRound[] {
  const done: MoveRound[] = [];
  for (let left = bytes; anotherRoundPays(done); ) {
    const memory = { bytes: left, ms: ownMs + left / shippedPerMs };
    done.push({ volume: quiet, memory });
    left = Math.min(bytes, dirtyPerMs * (memory.ms + quiet.ms));
  }
  return done;
}

test('without memory the volume decides: until little is left, four times at most', () => {
  const volume = (...bytes: number[]) => bytes.map(each => ({ volume: { bytes: each, ms: 100 } }));
  assert.equal(anotherRoundPays([]), true);
  assert.equal(anotherRoundPays(volume(500 * MIB)), true);
  assert.equal(anotherRoundPays(volume(500 * MIB, MIB)), false);
  assert.equal(anotherRoundPays(volume(...Array(4).fill(500 * MIB))), false);
});

for (const [what, dirtyPerMs, atLeast, atMost, restMib] of [
  ['idle memory is shipped once, and looked at once more', 0, 2, 2, 1],
  ['what writes slowly converges in a few rounds', 50_000, 3, 5, 16],
  ['what writes almost as fast as it is shipped gets more rounds, within the bound', 400_000, 3, 10, 512],
  ['what writes faster than it is shipped is frozen when that shows', 2_000_000, 2, 3, 1024],
] as const) {
  test(`rounds of memory: ${what}`, () => {
    const done = rounds(1024 * MIB, dirtyPerMs, 500_000);
    assert.ok(done.length >= atLeast && done.length <= atMost, `${done.length} rounds`);
    assert.ok(done.at(-1)!.memory!.bytes <= restMib * MIB, `${done.at(-1)!.memory!.bytes / MIB} MiB in the last`);
  });
}

test('so little memory that its first round takes no time to speak of is frozen at once', () => {
  assert.equal(rounds(MIB, 0, 500_000, 5).length, 1);
});
