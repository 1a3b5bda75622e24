/**
 * Runs in the guest: moves between two agents on a kernel that tracks writes, with cgroup v2 alone. Each case is called by the
 * word before its colon (`--only`) and stands by itself. Its times are those of an emulator; what they say is their ratios.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { criu } from '../../src/agent/move/testing/moving.ts';
import { Guest, MEMORY_MIB } from './guest.ts';

/** A case that hangs shall not take the others with it. */
const TIMEOUT_MS = 300_000;
/** CRIU is beginning; holds its processes; writes what it took from them: in the emulator, about. */
const KILL_AFTER_MS = [0, 200, 400, 800];

describe('a kernel that tracks writes, with cgroup v2 alone', () => {
  let guest: Guest;

  before(async () => {
    guest = await Guest.open();
    console.log('two hosts, an instance on one of them');
  });
  after(() => guest?.close());
  afterEach(() => guest.moving.abortLeftOver());

  const proves = (what: string, work: (t: TestContext) => Promise<void>) => it(what, { timeout: TIMEOUT_MS }, work);

  proves('can: a host says that it can', async () => {
    assert.equal((await guest.at.client.getHost({})).noPreCopy, '');
  });

  proves(
    'rounds: less and less travels while it runs, hardly anything in the pause, and memory is as it was',
    async t => {
      const moved = await guest.move('pre-copy');
      t.diagnostic(JSON.stringify(moved));
      const bytes = moved.rounds.map(({ memory }) => memory?.bytes ?? 0);
      assert.ok(bytes.length > 1 && bytes[0]! > MEMORY_MIB << 20, `${bytes}`);
      assert.ok(bytes.at(-1)! < bytes[0]! / 4, `${bytes}`);
      await guest.assertSameMemory();
    },
  );

  proves('again: what was restored is saved again and again, in each mode after each other', async t => {
    for (const mode of ['stop-and-copy', 'pre-copy', 'post-copy', 'pre-copy'] as const) {
      const { longestMs } = await guest.move(mode);
      t.diagnostic(`${mode}: the client waited ${longestMs} ms`);
    }
    await guest.assertSameMemory();
  });

  proves('criu: CRIU is killed at moments of a round: it runs on, and the next round begins anew', async t => {
    for (const afterMs of KILL_AFTER_MS) {
      const name = guest.newName();
      await guest.stays(name, async () => {
        const { ended } = await guest.beginRound(name);
        await sleep(afterMs);
        const killed = killRound(name);
        const why = await ended;
        t.diagnostic(`after ${afterMs} ms ${killed ? 'killed' : 'over'}: ${why ?? 'the round was made'}`);
        if (killed) assert.match(why ?? '', /saving the running container failed: CRIU was ended by SIGKILL/);
      });
    }
    const { rounds } = await guest.move('pre-copy');
    assert.ok(rounds[0]!.memory!.bytes > MEMORY_MIB << 20);
    await guest.assertSameMemory();
  });

  proves('called-off: after rounds it is called off, and then moves', async () => {
    const name = guest.newName();
    await guest.stays(name, async () => {
      await guest.moving.prepare(guest.at, guest.other, name, 'pre-copy');
    });
    await guest.move('pre-copy');
    await guest.assertSameMemory();
  });

  proves(
    "agent: the source's agent is killed in a round: the next one calls it off, or goes on to the end",
    async () => {
      const [first, second] = [guest.newName(), guest.newName()];
      const { at } = guest;
      const killIn = async (name: string) => {
        const { ended } = await guest.beginRound(name);
        await at.kill();
        assert.notEqual(await ended, undefined);
        await at.start(criu);
      };
      await guest.stays(first, () => killIn(first));
      await killIn(second);
      await guest.move('pre-copy', second);
      await guest.assertSameMemory();
    },
  );

  proves("target: the target's agent is killed in a round: the next one takes the rounds anew", async () => {
    const name = guest.newName();
    const { other } = guest;
    const { ended } = await guest.beginRound(name);
    await other.kill();
    await ended;
    await other.start(criu);
    await guest.move('pre-copy', name);
    await guest.assertSameMemory();
  });

  proves(
    'controller: who asked for a round is gone in the middle of it: another asks for the next, or calls it off',
    async () => {
      const [first, second] = [guest.newName(), guest.newName()];
      const goneIn = async (name: string) => {
        const controller = new AbortController();
        const { ended } = await guest.beginRound(name, controller.signal);
        controller.abort();
        assert.notEqual(await ended, undefined);
      };
      await guest.stays(first, () => goneIn(first));
      await goneIn(second);
      await guest.move('pre-copy', second);
      await guest.assertSameMemory();
    },
  );
});

/** CRIU at work on a round of that move, found without starting a program: an emulator takes a second for that. */
function killRound(name: string): boolean {
  const words = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return ''; // it has ended
    }
  };
  const pids = readdirSync('/proc').filter(pid => /^\d+$/.test(pid));
  const found = pids.filter(pid => words(pid).includes('pre-dump') && words(pid).includes(name));
  for (const pid of found) process.kill(Number(pid), 'SIGKILL');
  return found.length > 0;
}
