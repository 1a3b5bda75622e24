import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppError } from '../../domain/errors.ts';
import { inOwnHost } from '../testing/own-host.ts';
import { assertUnbroken, criu, drain, Moving } from './testing/moving.ts';
import type { TestHost } from './testing/two-hosts.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-move-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

/** Holds two deleted files open, one of which has another name yet. */
const HOLD = `#!/bin/sh
cd /tmp
rm -f gone linked other
echo gone >gone
echo linked >linked
busybox ln linked other
exec 5<gone 6<linked
rm gone linked
echo $$ >pid
exec sleep 200000
`;

describe('a live move between two hosts', () => {
  let moving: Moving;
  let a: TestHost;
  let b: TestHost;

  before(async () => {
    moving = await Moving.open({
      prefix: PREFIX,
      subnet: '198.18.240',
      inittab: '::respawn:/bin/hold\n',
      programs: { hold: HOLD },
    });
    ({ a, b } = moving);
  });
  after(() => moving?.close());
  afterEach(() => moving.abortLeftOver());

  async function move(from: TestHost, to: TestHost, name: string): Promise<object> {
    const timings = await moving.handOver(from, to, name);
    await moving.commit(from, name);
    return timings;
  }

  it('there and back: memory, address and TCP connection stay, nothing is left behind', {
    timeout: 30_000,
  }, async t => {
    const echoes = await moving.connected(async () => {
      for (const [from, to, name] of [
        [a, b, 'there'],
        [b, a, 'back'],
      ] as const) {
        t.diagnostic(JSON.stringify(await move(from, to, name)));
        assert.equal(await moving.stateOn(to), 'running');
        assert.equal(await moving.inside(to, 'cat /proc/$(cat /tmp/pid)/fd/[56]'), 'gone\nlinked\n');
        await moving.assertNothingOn(from);
      }
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
  });

  it('what cannot be saved is said beforehand, and is let run when it is tried all the same', {
    timeout: 30_000,
  }, async t => {
    const target = await b.client.getHost({});
    const check = () => a.client.checkMove({ ref: { id: moving.id, generation: moving.generation }, target });
    const fine = await check();
    assert.deepEqual([fine.verdict, fine.obstacles], ['live', []]);
    assert.ok(fine.memoryBytes > 0n && fine.diskBytes > 0n && fine.processes >= 2);

    // With namespaces of its own, as a sandboxed service has; begun as a daemon begins, inside.
    const daemon = 'exec </dev/null >/dev/null 2>&1; busybox unshare -U sleep 1000 &';
    await moving.inside(a, `setsid sh -c '${daemon}'`);
    const echoes = await moving.connected(async () => {
      const { verdict, obstacles } = await check();
      assert.equal(verdict, 'restart');
      assert.match(obstacles.map(({ what }) => what).join(), /sleep .* user namespaces/);
      const token = await moving.prepare(a, b, 'sandboxed');
      await assert.rejects(
        a.client.freezeMove({ ref: moving.ref('source', 'sandboxed'), target: token }),
        (error: AppError) => {
          assert.match(error.message, /saving the running container failed: .*nested user.*systemd\.md/);
          return error.code === 'unsupported';
        },
      );
      assert.equal(await moving.stateOn(a), 'running');
      await moving.abort(a, b, 'sandboxed');
      await moving.assertNothingOn(b);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
    await moving.inside(a, 'kill $(busybox pidof sleep)');
    assert.equal((await check()).verdict, 'live');
  });

  it('images that arrive damaged: it runs on where it was, and the target is clean', { timeout: 30_000 }, async t => {
    await b.kill();
    await b.start(await damagingCriu());
    const echoes = await moving.connected(async () => {
      const target = await moving.prepare(a, b, 'damaged');
      await a.client.freezeMove({ ref: moving.ref('source', 'damaged'), target });
      await assert.rejects(b.client.awaitMove(moving.ref('target', 'damaged')), (error: AppError) => {
        assert.match(error.message, /restoring the container failed: .*(arrived damaged)/);
        return error.code === 'unsupported';
      });
      await moving.abort(a, b, 'damaged');
      assert.equal(await moving.stateOn(a), 'running');
      await moving.assertNothingOn(b);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
    await b.kill();
    await b.start(criu);
  });

  it('both agents die while it stands still: the next ones take it back, and it runs on', {
    timeout: 30_000,
  }, async t => {
    const echoes = await moving.connected(async () => {
      const target = await moving.prepare(a, b, 'killed');
      await a.client.freezeMove({ ref: moving.ref('source', 'killed'), target });
      await b.client.awaitMove(moving.ref('target', 'killed'));
      await Promise.all([a.kill(), b.kill()]);
      await Promise.all([a.start(criu), b.start(criu)]);
      await moving.abort(a, b, 'killed');
      assert.equal(await moving.stateOn(a), 'running');
      await moving.assertNothingOn(b);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
  });

  it('the source dies in the middle of the freeze, then the target too: the next ones go on to the end', {
    timeout: 30_000,
  }, async t => {
    const echoes = await moving.connected(async () => {
      const target = await moving.prepare(a, b, 'resumed');
      const frozen = join(a.data, 'moves', `resumed.${moving.id}.source`, 'at.frozen');
      const cut = a.client.freezeMove({ ref: moving.ref('source', 'resumed'), target }).then(
        () => assert.fail('it was killed'),
        () => {},
      );
      while (!existsSync(a.path(frozen))) await sleep(1);
      await a.kill();
      await cut;
      await a.start(criu);
      const again = await moving.prepare(a, b, 'resumed');
      await a.client.freezeMove({ ref: moving.ref('source', 'resumed'), target: again });
      await b.kill();
      await b.start(criu);
      await a.client.freezeMove({ ref: moving.ref('source', 'resumed'), target: again });
      await b.client.awaitMove(moving.ref('target', 'resumed'));
      for (let twice = 0; twice < 2; twice += 1) await b.client.resumeMove(moving.ref('target', 'resumed'));
      await assert.rejects(b.client.abortMove(moving.ref('target', 'resumed')), /lives here now/);
      await assert.rejects(
        a.client.ensureState({ ref: { id: moving.id, generation: moving.generation }, state: 'stopped', force: true }),
        /moved/,
      );
      for (let twice = 0; twice < 2; twice += 1) await a.client.commitMove(moving.ref('source', 'resumed'));
      await a.client.ensureNoInstance({ ref: { id: moving.id, generation: moving.generation } });
      moving.owned();
      assert.equal(await moving.stateOn(b), 'running');
      await moving.assertNothingOn(a);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
  });

  it('called off before the freeze, or never begun: nothing happens to it', { timeout: 30_000 }, async () => {
    await moving.abort(b, a, 'never');
    const echoes = await moving.connected(async () => {
      await moving.prepare(b, a, 'early');
      await moving.abort(b, a, 'early');
      await moving.assertNothingOn(a);
    });
    assertUnbroken(echoes);
    assert.ok(echoes.longestMs < 100, `paused ${echoes.longestMs} ms`);
    await assert.rejects(b.client.commitMove(moving.ref('source', 'never')), /never frozen/);
  });

  it('a stopped instance moves too: its volume, and who owns it', { timeout: 30_000 }, async () => {
    await b.client.ensureState({
      ref: { id: moving.id, generation: moving.generation },
      state: 'stopped',
      force: true,
    });
    const ref = moving.ref('target', 'cold');
    const target = await a.client.prepareMove({ ref, spec: moving.spec(moving.generation + 1n), live: false });
    await drain(b.client.syncMove({ ref: moving.ref('source', 'cold'), target, final: true }));
    await a.client.awaitMove(ref);
    for (let twice = 0; twice < 2; twice += 1) await a.client.resumeMove(ref);
    for (let twice = 0; twice < 2; twice += 1) await b.client.commitMove(moving.ref('source', 'cold'));
    await b.client.ensureNoInstance({ ref: { id: moving.id, generation: moving.generation } });
    moving.owned();
    await moving.assertNothingOn(b);
    assert.equal(await moving.stateOn(a), 'stopped');
    await moving.startOn(a.client);
    assertUnbroken(await moving.connected(async () => {}));
  });

  /** A CRIU that finds its images truncated. */
  async function damagingCriu(): Promise<string> {
    const path = join(moving.folder, 'damaging-criu');
    const script = `#!/bin/sh\n[ "$1" != restore ] || : >"$BERTH_MOVE/images/core-1.img"\nexec ${criu} "$@"\n`;
    await writeFile(path, script, { mode: 0o755 });
    return path;
  }
});
