/** Moves without end, and many at once: no byte is lost, nothing is left over, and those that stay are served meanwhile. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { startClient } from '../../deploy/local-cluster/client-process.ts';
import { until } from '../../deploy/local-cluster/until.ts';
import { openWitness, type Witness } from '../faults/witness.ts';
import { assertWhole, type EchoResult, type Harness, openHarness } from './harness.ts';

/** `BERTH_MOVES=200 BERTH_MOVE_MODE=post-copy` for the long run. */
const MOVES = Number(process.env.BERTH_MOVES ?? 50);
const MODE = process.env.BERTH_MOVE_MODE ?? 'auto';
const LONGEST_MS = 120_000 + MOVES * 10_000;
/** So many move at once, and as many others serve meanwhile. */
const CROWD = 10;
/** 4 MB/s each way, checked byte by byte. */
const STREAM = { everyMs: 4, bytes: 16_384 };
const TALK = { everyMs: 20, bytes: 1024 };
/** Appends numbered lines until it is told to stop. Started by init: what `exec` leaves behind could not be moved. */
const WRITER =
  '[ ! -e /stop ] || exec sleep 9999; n=0; until [ -e /stop ]; do echo $n; n=$((n + 1)); usleep 500; done >>/lines; touch /stopped';
const CLIENTS = join(import.meta.dirname, 'echo-clients.ts');

type Result = EchoResult & {
  readonly address: string;
  readonly bytes: number;
  /** Each time that it waited longer than usual: the longest round trip of that time. */
  readonly stallsMs: readonly number[];
};

describe('many moves', { timeout: 2 * LONGEST_MS }, () => {
  let harness: Harness;
  let witness: Witness;
  before(async () => {
    harness = await openHarness('many');
    witness = await openWitness(harness.cluster);
  });
  after(async () => {
    await witness?.close();
    await harness?.close();
  });
  afterEach(async () => {
    const listed = await harness.berthJson<{ name: string }[]>('list');
    await Promise.all(listed.map(({ name }) => harness.berth(['delete', name, '--force'])));
  });

  const run = async (instance: string, script: string) =>
    (await harness.berth(['exec', instance, '--', 'sh', '-c', script], { maxOutputBytes: 2 ** 28 })).stdout;
  const inOrder = () => until('order', 10_000, () => (witness.differences().length === 0 ? true : undefined));

  /** Connections to all of them, until stopped. */
  async function connect(addresses: readonly string[], { everyMs, bytes }: typeof STREAM) {
    const words = ['7', String(everyMs), String(bytes), ...addresses];
    const client = await startClient<Result[]>(harness.cluster, CLIENTS, words);
    return client.stop;
  }

  it(`moves one container ${MOVES} times: the stream and the file are whole, nothing is left`, {
    timeout: LONGEST_MS,
  }, async () => {
    await harness.berth(['launch', 'busybox', 'c1', '--target', 'n1']);
    const address = await harness.echoServer('c1');
    await run('c1', `echo '${WRITER}' >/writer; echo '::respawn:/bin/sh /writer' >>/etc/inittab; kill -HUP 1`);
    const stop = await connect([address], STREAM);
    for (let i = 1; i <= MOVES; i += 1) {
      await harness.berth(['move', 'c1', '--target', `n${1 + (i % harness.cluster.hosts.length)}`, '--mode', MODE]);
    }
    const [result] = await stop();
    await inOrder();
    const lines = (await run('c1', 'touch /stop; until [ -e /stopped ]; do usleep 1000; done; cat /lines')).split('\n');
    assert.equal(lines.pop(), '');
    assertWhole(result!);
    lines.forEach((line, i) => {
      assert.equal(line, String(i));
    });
    assert.ok(lines.length > MOVES * 100, `${lines.length} lines were written`);
    const whole = `${result!.bytes} bytes came back unchanged, ${lines.length} lines were written`;
    console.log(`${MOVES} moves (${MODE}): ${whole}; ${pauses(result!.stallsMs)}`);
  });

  it(`moves ${CROWD} at once while ${CROWD} others serve: every stream is whole, nothing is left`, {
    timeout: LONGEST_MS,
  }, async () => {
    const movers = Array.from({ length: CROWD }, (_, i) => ({ name: `m${i}`, at: 'n1', to: `n${2 + (i % 2)}` }));
    const others = Array.from({ length: CROWD }, (_, i) => ({ name: `s${i}`, at: `n${2 + (i % 2)}` }));
    const addresses = new Map<string, string>();
    const queue = [...movers, ...others];
    const launch = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await harness.berth(['launch', 'busybox', next.name, '--target', next.at]);
        addresses.set(next.name, await harness.echoServer(next.name));
      }
    };
    await Promise.all(Array.from({ length: 4 }, launch));
    const stop = await connect([...addresses.values()], TALK);
    await Promise.all(movers.map(({ name, to }) => harness.berth(['move', name, '--target', to, '--mode', MODE])));
    const results = await stop();
    await inOrder();
    results.forEach(assertWhole);
    for (const [who, group] of Object.entries({ moved: movers, served: others })) {
      const theirs = group.flatMap(({ name }) => results.filter(each => each.address === addresses.get(name)));
      console.log(`${CROWD} at once, those that ${who}: ${pauses(theirs.map(({ longestMs }) => longestMs))}`);
    }
  });
});

/** Of waits in ms, as a client felt them. */
function pauses(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return `${sorted.length} waits of p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`;
}
