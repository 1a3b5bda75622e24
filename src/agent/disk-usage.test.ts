import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../kit/clock.ts';
import { diskUsage } from './disk-usage.ts';

/** Time stands until `pass` is called; sleeps end when their time has come. */
function fakeClock(): Clock & { pass(ms: number): void } {
  let now = 1000;
  let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: ms => new Promise(resolve => sleepers.push({ until: now + ms, wake: resolve })),
    pass(ms) {
      now += ms;
      const due = sleepers.filter(each => each.until <= now);
      sleepers = sleepers.filter(each => each.until > now);
      for (const { wake } of due) wake();
    },
  };
}

describe('disk usage', () => {
  it('is counted once for all who ask at once, and answered from memory while it is fresh', async () => {
    const clock = fakeClock();
    const usage = diskUsage(clock);
    let counted = 0;
    const count = async () => ++counted;
    assert.deepEqual(await Promise.all([usage.of('a', count), usage.of('a', count)]), [1, 1]);
    clock.pass(9_000);
    assert.equal(await usage.of('a', count), 1);
    assert.equal(counted, 1);
  });

  it('answers with the old figure at once while it counts anew', async () => {
    const clock = fakeClock();
    const usage = diskUsage(clock);
    await usage.of('a', async () => 1);
    clock.pass(11_000);
    let finish = (_: number) => {};
    assert.equal(await usage.of('a', () => new Promise(resolve => (finish = resolve))), 1);
    finish(2);
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(await usage.of('a', async () => 3), 2);
  });

  it('keeps nobody waiting for long, and takes a failed count as no news', async () => {
    const clock = fakeClock();
    const usage = diskUsage(clock);
    const asked = usage.of('slow', () => new Promise(() => {}));
    clock.pass(500);
    assert.equal(await asked, undefined);
    assert.equal(await usage.of('bad', async () => Promise.reject(new Error('gone'))), undefined);
  });

  it('counts two at a time, whatever is asked', async () => {
    const usage = diskUsage(fakeClock());
    let now = 0;
    let most = 0;
    const count = async () => {
      most = Math.max(most, ++now);
      await new Promise(resolve => setImmediate(resolve));
      now -= 1;
      return 1;
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(id => usage.of(id, count)));
    assert.equal(most, 2);
  });
});
