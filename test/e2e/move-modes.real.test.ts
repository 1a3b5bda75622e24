/** The modes of a live move as a user meets them: chosen, asked for, refused; with much memory and with little. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertWhole, type Harness, openHarness } from './harness.ts';

interface Operation {
  readonly description: string;
  readonly created_at: string;
  readonly status: string;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

const MEMORY_MIB = 128;
/** Holds memory of which it tells the checksum when it is told to; see `src/agent/move/post-copy.real.test.ts`. */
const HOLD = `cd /tmp; mkfifo enough; head -c ${MEMORY_MIB}m /dev/urandom >data; md5sum <data >before
{ cat data; rm data; : >held; read -r _ <enough; } | tail -c ${MEMORY_MIB}m | md5sum >after`;

describe('the modes of a move', { timeout: 300_000 }, () => {
  let harness: Harness;
  let address: string;

  before(async () => {
    harness = await openHarness('modes', { hosts: 2 });
    await harness.berth(['launch', 'busybox', 'c1', '--target', 'n1']);
    address = await harness.echoServer('c1');
  });
  after(() => harness?.close());

  /** Moves it under a client. @returns what the operation says at its end */
  async function move(target: string, ...options: string[]) {
    const client = await harness.echoClient(address);
    await harness.berth(['move', 'c1', '--target', target, ...options]);
    const result = await client.stop();
    assertWhole(result);
    const all = await harness.berthJson<Operation[]>('operation', 'list');
    const last = all
      .filter(({ description }) => /Migrating/.test(description))
      .sort(byAge)
      .at(-1);
    const { longestMs } = result;
    return { longestMs, metadata: last?.metadata ?? {} };
  }
  const byAge = (a: Operation, b: Operation) => Date.parse(a.created_at) - Date.parse(b.created_at);

  it('little memory moves at once, and its client waits about as long as was said', async t => {
    const { longestMs, metadata } = await move('n2');
    t.diagnostic(JSON.stringify({ longestMs, ...metadata }));
    assert.equal(metadata['berth.mode'], 'stop-and-copy');
    assert.ok(Number(metadata['berth.pause_ms']) > 0 && Number(metadata['berth.predicted_pause_ms']) > 0);
  });

  it('a check tells the mode, the pause and the time; pre-copy is refused with the reason', async () => {
    const { stdout } = await harness.berth(['move', 'c1', '--target', 'n1', '--check']);
    assert.match(stdout, /by stop-and-copy \(.*\): a pause of about \d+ ms, [\d.]+ s in all/);
    const refusal = await harness.berthFails('move', 'c1', '--target', 'n1', '--mode', 'pre-copy');
    assert.match(refusal, /cannot move by pre-copy: on n\d .*--mode auto/);
  });

  it('much memory follows when it runs already, and not a byte of it changes', async t => {
    const daemon = `setsid sh -c 'exec </dev/null >/dev/null 2>&1; ${HOLD}' &`;
    await harness.berth(['exec', 'c1', '--', 'sh', '-c', daemon]);
    while ((await harness.berth(['exec', 'c1', '--', 'ls', '/tmp'])).stdout.match(/^held$/m) === null) await sleep(100);
    for (const [target, options] of [
      ['n1', []],
      ['n2', ['--mode', 'stop-and-copy']],
      ['n1', ['--mode', 'post-copy']],
    ] as const) {
      const { longestMs, metadata } = await move(target, ...options);
      t.diagnostic(JSON.stringify({ longestMs, ...metadata }));
      assert.equal(metadata['berth.mode'], options[1] ?? 'post-copy');
      if (metadata['berth.mode'] === 'post-copy') assert.ok(Number(metadata['berth.memory_bytes']) > MEMORY_MIB << 20);
    }
    const tell = 'echo >/tmp/enough; while [ ! -s /tmp/after ]; do sleep 0.1; done; cat /tmp/before /tmp/after';
    const sums = (await harness.berth(['exec', 'c1', '--', 'sh', '-c', tell])).stdout.split('\n');
    assert.match(sums[0]!, /^[0-9a-f]{32}/);
    assert.equal(sums[1], sums[0]);
  });

  it('with a restart it is somewhere else, and anew', async () => {
    await harness.berth(['exec', 'c1', '--', 'touch', '/dev/mark']);
    await harness.berth(['move', 'c1', '--target', 'n2', '--mode', 'restart']);
    const { code } = await harness.berth(['exec', 'c1', '--', 'test', '-e', '/dev/mark'], { allowFailure: true });
    assert.equal(code, 1);
  });

  it('twenty moves in a row by post-copy: one connection, nothing lost', async t => {
    const client = await harness.echoClient(address);
    for (let round = 0; round < 20; round += 1)
      await harness.berth(['move', 'c1', '--target', round % 2 === 0 ? 'n1' : 'n2', '--mode', 'post-copy']);
    const result = await client.stop();
    t.diagnostic(JSON.stringify(result));
    assertWhole(result);
  });
});
