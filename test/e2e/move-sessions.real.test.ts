/** What `exec` has open or has left behind in an instance, when that is to move. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../src/agent/command.ts';
import { assertWhole, type Harness, openHarness } from './harness.ts';

describe('moving what exec works in', { timeout: 120_000 }, () => {
  let harness: Harness;
  let here = 'n1';
  const there = () => (here === 'n1' ? 'n2' : 'n1');
  const inside = async (script: string) =>
    (await harness.berth(['exec', 'c1', '--', 'sh', '-c', script])).stdout.trim();

  before(async () => {
    harness = await openHarness('move-sessions', { hosts: 2 });
    await harness.berth(['launch', 'busybox', 'c1', '--target', here]);
  });
  after(() => harness?.close());
  afterEach(() => inside('killall sleep 2>/dev/null; true'));

  /** Opens a session and waits until it is there. */
  async function open(script: string, ...options: string[]): Promise<{ readonly ended: Promise<Outcome> }> {
    const words = ['exec', 'c1', ...options, '--', 'sh', '-c', `${script} sleep 4321`];
    const ended = harness.berth(words, { allowFailure: true });
    while (!(await inside('ps')).includes('sleep 4321')) await sleep(50);
    return { ended };
  }
  const move = async (...options: string[]) => {
    await harness.berth(['move', 'c1', '--target', there(), ...options]);
    here = there();
  };

  it('a session that is open is in the way, and it is said what to do; it does not notice', async () => {
    const { ended } = await open('sleep 1000 & sleep 0;');
    const check = await harness.berth(['move', 'c1', '--target', there(), '--check']);
    assert.match(check.stdout, /must be restarted/);
    assert.match(check.stdout, /belongs to an exec session.*--detach/);
    assert.match(await harness.berthFails('move', 'c1', '--target', there()), /exec session .*--detach/);
    assert.match(await inside('ps'), /sleep 4321/);
    await inside('kill $(pidof sleep)');
    await ended;
  });

  for (const [kind, options] of [
    ['on pipes', []],
    ['on a terminal', ['--mode', 'interactive']],
  ] as const) {
    it(`with --detach a session ${kind} is ended, is told why, and its daemon moves`, async () => {
      const daemon = "setsid sh -c 'exec </dev/null >/dev/null 2>&1; sleep 5432' & sleep 1000 &";
      const { ended } = await open(daemon, ...options);
      const check = await harness.berth(['move', 'c1', '--target', there(), '--check', '--detach']);
      assert.match(check.stdout, /the session will be ended/);
      await move('--detach');
      const { code, stdout, stderr } = await ended;
      assert.ok(code > 128, `ended by a signal, not ${code}`);
      assert.match(stdout + stderr, /session was ended: the instance moves/);
      const left = await inside('ps');
      assert.match(left, /sleep 5432/);
      assert.doesNotMatch(left, /sleep (4321|1000)/);
      await move();
    });
  }

  it('what a shell left running on its terminal is in the way, and it is said what to do', async () => {
    await harness.berth(['exec', 'c1', '--mode', 'interactive', '--', 'sh'], { input: 'sleep 4321 &\nexit\n' });
    assert.match(await inside('ps'), /sleep 4321/);
    for (const options of [[], ['--detach']]) // no session is left that could be ended
      assert.match(await harness.berthFails('move', 'c1', '--target', there(), ...options), /sleep .*setsid/);
    assert.match(await inside('ps'), /sleep 4321/);
  });

  it('what a session left running on its pipes moves, and answers', async () => {
    await inside('nc -ll -p 7 -e /bin/cat &');
    const [found] = await harness.berthJson<{ state: { network: { eth0: { addresses: { address: string }[] } } } }[]>(
      'list',
      'c1',
    );
    const client = await harness.echoClient(found!.state.network.eth0.addresses[0]!.address);
    await move();
    await move('--mode', 'post-copy');
    assertWhole(await client.stop());
  });
});
