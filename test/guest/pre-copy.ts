/**
 * Runs in the guest: moves between two agents on a kernel that tracks writes, with cgroup v2 alone. Its times are those of an
 * emulator; what they say is their ratios.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertUnbroken, criu, drain, Moving } from '../../src/agent/move/testing/moving.ts';
import type { TestHost } from '../../src/agent/move/testing/two-hosts.ts';

const MEMORY_MIB = 32;
/** Holds known memory, and tells its checksum when /tmp/enough is written to: `tail` keeps what it reads until that ends. */
const HOLD = `#!/bin/sh
cd /tmp
[ -p enough ] || busybox mkfifo enough
head -c ${MEMORY_MIB}m /dev/urandom >data
busybox md5sum data >before
{ cat data; rm data; : >held; read -r _ <enough; } | busybox tail -c ${MEMORY_MIB}m | busybox md5sum >after
exec sleep 100000
`;
/** Writes to its memory all the time, the same in two places, and tells how often both were compared, or that they differ. */
const CHANGE = `#!/bin/sh
exec busybox awk 'BEGIN {
  for (pass = 1; ; pass++) {
    for (i = 0; i < 1000; i++) { a[i] = pass * i; b[i] = pass * i }
    system("sleep 0.3")
    for (i = 0; i < 1000; i++) if (a[i] != b[i] || a[i] != pass * i) { print "differs" >"/tmp/pass"; exit }
    print pass >"/tmp/pass"; close("/tmp/pass")
  }
}'
`;

/** After a pause TCP tries again no sooner than the pause was long. */
const ANSWERED_MS = 20_000;
/** A test that hangs shall not take the others with it. */
const TIMEOUT_MS = 240_000;

describe('moves on a kernel that tracks writes, with cgroup v2 alone', { timeout: 8 * TIMEOUT_MS }, () => {
  let moving: Moving;
  let a: TestHost;
  let b: TestHost;

  before(async () => {
    execFileSync(criu, ['--version']); // read once, it starts in time
    moving = await Moving.open({
      prefix: 'guest',
      subnet: '198.18.241',
      memory: '256MiB',
      inittab: '::respawn:/bin/hold\n::respawn:/bin/change\n',
      programs: { hold: HOLD, change: CHANGE },
    });
    ({ a, b } = moving);
    console.log('two hosts, an instance on one of them');
    while (!(await moving.inside(a, '[ -e /tmp/held ] && [ -s /tmp/pass ] && echo ready || true'))) await sleep(100);
  });
  after(() => moving?.close());
  afterEach(() => moving.abortLeftOver());

  /** It has compared its memory again, and found no difference. */
  async function assertChanging(host: TestHost): Promise<void> {
    const pass = async () => (await moving.inside(host, 'cat /tmp/pass')).trim();
    const seen = await pass();
    for (let now = seen; now === seen; now = await pass()) {
      assert.match(now, /^\d+$/);
      await sleep(50);
    }
  }

  /** Under a client, until the source is clean. */
  async function move(from: TestHost, to: TestHost, name: string, mode: 'stop-and-copy' | 'pre-copy') {
    let phases: object[] = [];
    const echoes = await moving.connected(async () => {
      phases = await moving.handOver(from, to, name, mode);
      await moving.commit(from, name);
      await sleep(ANSWERED_MS);
    });
    assertUnbroken(echoes);
    assert.equal(await moving.stateOn(to), 'running');
    await moving.assertNothingOn(from);
    await assertChanging(to);
    const limit = join('/sys/fs/cgroup', to.cgroupPrefix, `lxc.payload.${moving.id}`, 'memory.max');
    assert.equal(readFileSync(limit, 'utf8').trim(), `${256 << 20}`);
    return { phases, longestMs: echoes.longestMs };
  }

  it('a host says that it can', { timeout: TIMEOUT_MS }, async () => {
    assert.equal((await a.client.getHost({})).noPreCopy, '');
  });

  /** A round that has begun. */
  async function roundFrom(from: TestHost, to: TestHost, name: string) {
    const ref = moving.ref('target', name);
    const order = { ref, spec: moving.spec(moving.generation + 1n), live: true, mode: 'pre-copy', sourceDriver: 'dir' };
    const target = await to.client.prepareMove(order);
    const request = { ref: moving.ref('source', name), target, mode: 'pre-copy' };
    const ended = drain(from.client.syncMove(request)).then(
      () => undefined,
      (thrown: Error) => thrown.message,
    );
    const begun = from.path(join(from.data, 'moves', `${name}.${moving.id}.source`, 'before/new'));
    while (!existsSync(begun)) await sleep(1);
    return { ended };
  }

  for (const afterMs of [100, 1000]) {
    it(`CRIU is killed ${afterMs} ms after a round began: it runs on where it was`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      const name = `killed-${afterMs}`;
      const echoes = await moving.connected(async () => {
        const { ended } = await roundFrom(a, b, name);
        await sleep(afterMs);
        // It may be over by then.
        const killed = await a.run('pkill', '-KILL', '-f', 'criu pre-dump').catch(() => undefined);
        if (killed !== undefined) assert.match((await ended) ?? '', /saving the running container failed/);
        await moving.abort(a, b, name);
      });
      assertUnbroken(echoes);
      assert.equal(await moving.stateOn(a), 'running');
      await assertChanging(a);
      await moving.assertNothingOn(b);
    });
  }

  it('pre-copy: less and less travels while it runs, and hardly anything in the pause', {
    timeout: TIMEOUT_MS,
  }, async t => {
    const moved = await move(a, b, 'there', 'pre-copy');
    t.diagnostic(JSON.stringify({ rounds: moving.rounds, ...moved }));
    const bytes = moving.rounds.map(({ memory }) => memory?.bytes ?? 0);
    assert.ok(bytes.length > 1 && bytes[0]! > MEMORY_MIB << 20, `${bytes}`);
    assert.ok(bytes.at(-1)! < bytes[0]! / 4, `${bytes}`);
  });

  it('its memory has the checksum that it had before', { timeout: TIMEOUT_MS }, async () => {
    await moving.inside(b, 'echo >/tmp/enough; while [ ! -s /tmp/after ]; do sleep 0.1; done');
    const sums = (await moving.inside(b, 'cat /tmp/before /tmp/after')).split('\n').map(line => line.slice(0, 32));
    assert.match(sums[0]!, /^[0-9a-f]{32}$/);
    assert.equal(sums[1], sums[0]);
  });

  it('LXC 5.0.2 cannot save again what it restored on cgroup v2 alone: it runs on, and that is said', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await assert.rejects(moving.handOver(b, a, 'again', 'pre-copy'), /saving .* LXC cannot save it a second time/);
    await moving.abort(b, a, 'again');
    await assertChanging(b);
  });

  it('started anew it moves; stop-and-copy: limits and connection are as before', { timeout: TIMEOUT_MS }, async t => {
    const ref = { id: moving.id, generation: moving.generation };
    await b.client.ensureState({ ref, state: 'stopped', force: true });
    await moving.startOn(b.client);
    t.diagnostic(JSON.stringify(await move(b, a, 'back', 'stop-and-copy')));
  });
});
