import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inOwnHost } from '../testing/own-host.ts';
import { assertUnbroken, criu, Moving } from './testing/moving.ts';
import type { TestHost } from './testing/two-hosts.ts';

/** Gone, or a zombie that its parent will reap. */
const isDead = (pid: number): boolean => statusOf(pid) === '' || /^State:\tZ/m.test(statusOf(pid));

const statusOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').slice(0, 7).join('\n');
  } catch {
    return '';
  }
};

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-pages-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

const MEMORY_MIB = 96;
/**
 * `tail` keeps the last bytes of what it reads until that ends: so it holds known memory, and tells its checksum when
 * /tmp/enough is written to.
 */
const HOLD = `#!/bin/sh
cd /tmp
[ -p enough ] || busybox mkfifo enough
rm -f held after
head -c ${MEMORY_MIB}m /dev/urandom >data
busybox md5sum data >before
{ cat data; rm data; : >held; read -r _ <enough; } | busybox tail -c ${MEMORY_MIB}m | busybox md5sum >after
exec sleep 100000
`;

/** Ever new processes and new memory, also while the old one is on its way. */
const FORK = `#!/bin/sh
n=0
while :; do n=$((n + 1)); echo $n >/tmp/forks; busybox usleep 2000; done
`;

describe('a post-copy between two hosts', () => {
  let moving: Moving;
  let a: TestHost;
  let b: TestHost;

  before(async () => {
    moving = await Moving.open({
      prefix: PREFIX,
      subnet: '198.18.241',
      memory: '512MiB',
      inittab: '::respawn:/bin/hold\n::respawn:/bin/fork\n',
      programs: { hold: HOLD, fork: FORK },
    });
    ({ a, b } = moving);
    while (!(await moving.inside(a, '[ -e /tmp/held ] && echo held || true'))) await sleep(50);
  });
  after(() => moving?.close());
  afterEach(() => moving.abortLeftOver());

  const untilAllHere = (from: TestHost, to: TestHost, name: string) => moving.untilAllHere(from, to, name);

  const bytesOfMemory = MEMORY_MIB << 20;

  it('is taken back until the last moment: memory and connection are as before', { timeout: 90_000 }, async () => {
    const echoes = await moving.connected(async () => {
      const target = await moving.prepare(a, b, 'back', 'post-copy');
      await a.client.freezeMove({ ref: moving.ref('source', 'back'), target, mode: 'post-copy' });
      await b.client.awaitMove(moving.ref('target', 'back'));
      await moving.abort(a, b, 'back');
      assert.equal(await moving.stateOn(a), 'running');
      await moving.assertNothingOn(b);
    });
    assertUnbroken(echoes);
  });

  it('the agent that has the memory dies before the pivot: it runs on where it was', { timeout: 90_000 }, async () => {
    await b.kill();
    await b.start(await lateDaemon());
    const echoes = await moving.connected(async () => {
      const target = await moving.prepare(a, b, 'early', 'post-copy');
      await a.client.freezeMove({ ref: moving.ref('source', 'early'), target, mode: 'post-copy' });
      await a.kill();
      await assert.rejects(b.client.awaitMove(moving.ref('target', 'early')), /memory did not reach the target/);
      await a.start(criu);
      await moving.abort(a, b, 'early');
      assert.equal(await moving.stateOn(a), 'running');
      await moving.assertNothingOn(b);
    });
    assertUnbroken(echoes);
    await b.kill();
    await b.start(criu);
  });

  it('it runs before its memory has come, and all of it comes', { timeout: 90_000 }, async t => {
    const echoes = await moving.connected(async () => {
      const timings = await moving.handOver(a, b, 'there', 'post-copy');
      const pages = await untilAllHere(a, b, 'there');
      assert.equal(pages.state, 'here', pages.why);
      assert.ok(Number(pages.bytes) > bytesOfMemory, `${pages.bytes} bytes came later`);
      t.diagnostic(JSON.stringify([...timings, { pages: pages.ms, bytes: Number(pages.bytes) }]));
      const forks = await moving.inside(b, 'cat /tmp/forks; busybox sleep 0.2; cat /tmp/forks');
      const [before, after] = forks.split('\n').map(Number);
      assert.ok(after! > before!, `what has all its pages goes on: ${forks}`);
      await moving.commit(a, 'there');
      await moving.assertNothingOn(a);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
  });

  it('its restore is killed when it stood ready, and it was handed over: it is restored again from its source', {
    timeout: 90_000,
  }, async t => {
    const echoes = await moving.connected(async () => {
      const target = await moving.prepare(b, a, 'killed', 'post-copy');
      await b.client.freezeMove({ ref: moving.ref('source', 'killed'), target, mode: 'post-copy' });
      await a.client.awaitMove(moving.ref('target', 'killed'));
      const { stdout } = await a.run('pgrep', '-f', '(^|/)criu restore .*killed');
      for (const pid of stdout.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
      await assert.rejects(a.client.resumeMove(moving.ref('target', 'killed')), { code: 'unavailable' });
      const source = await b.client.servePages(moving.ref('source', 'killed'));
      await a.client.awaitPages({ ref: moving.ref('target', 'killed'), source });
      await a.client.resumeMove(moving.ref('target', 'killed'));
      const pages = await untilAllHere(b, a, 'killed');
      assert.equal(pages.state, 'here', pages.why);
      await moving.commit(b, 'killed');
      await moving.assertNothingOn(b);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
    [a, b] = [b, a];
  });

  it('CRIU is killed while it holds the source: not a step is taken there, and its memory is fetched', {
    timeout: 90_000,
  }, async () => {
    const rootfs = join(b.data, 'pools/default/instances', moving.id, 'rootfs');
    const forks = (): string => readFileSync(b.path(join(rootfs, 'tmp/forks')), 'utf8');
    const target = await moving.prepare(b, a, 'untraced', 'post-copy');
    await b.client.freezeMove({ ref: moving.ref('source', 'untraced'), target, mode: 'post-copy' });
    await a.client.awaitMove(moving.ref('target', 'untraced'));
    const { stdout } = await b.run('pgrep', '-f', '(^|/)criu dump .*untraced');
    const ours = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('/bin/sh'); // it lives on
    for (const pid of stdout
      .trim()
      .split('\n')
      .filter(each => !ours(each)))
      process.kill(Number(pid), 'SIGKILL');
    const before = forks();
    await sleep(300);
    assert.equal(forks(), before);
    await a.client.resumeMove(moving.ref('target', 'untraced'));
    const pages = await untilAllHere(b, a, 'untraced');
    assert.equal(pages.state, 'here', pages.why);
    assert.equal(forks(), before);
    await moving.commit(b, 'untraced');
    await moving.assertNothingOn(b);
    [a, b] = [b, a];
  });

  it('both agents die while memory comes: the next ones go on, and nothing is lost', { timeout: 90_000 }, async t => {
    const echoes = await moving.connected(async () => {
      await moving.handOver(b, a, 'again', 'post-copy');
      await Promise.all([a.kill(), b.kill()]);
      await Promise.all([a.start(criu), b.start(criu)]);
      const pages = await untilAllHere(b, a, 'again');
      assert.equal(pages.state, 'here', pages.why);
      assert.ok(pages.cuts > 0, 'the stream was cut');
      await moving.commit(b, 'again');
      await moving.assertNothingOn(b);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
    await moving.inside(a, 'echo >/tmp/enough; while [ ! -s /tmp/after ]; do sleep 0.1; done');
    const sums = (await moving.inside(a, 'cat /tmp/before /tmp/after')).split('\n').map(line => line.slice(0, 32));
    assert.match(sums[0]!, /^[0-9a-f]{32}$/);
    assert.equal(sums[1], sums[0], 'the memory has the checksum that it had at the beginning');
  });

  for (const [what, pattern] of [
    ['the daemon that puts pages in', '(^|/)criu lazy-pages'],
    ['the process that fetches them', 'pages/main.ts'],
  ] as const) {
    it(`${what} is killed: the instance ends at once, on both hosts, and it is said why`, {
      timeout: 90_000,
    }, async () => {
      const name = `lost-${pattern.length}`;
      await moving.abortLeftOver();
      await restart(a);
      await moving.handOver(a, b, name, 'post-copy');
      const { pid } = (await b.client.getInstanceState({ id: moving.id, generation: moving.generation + 1n })).status!;
      const { stdout } = await b.run('pgrep', '-f', `${pattern}.*${name}`);
      process.kill(Number(stdout.trim().split('\n').at(-1)), 'SIGKILL');
      const pages = await untilAllHere(a, b, name);
      assert.equal(pages.state, 'lost');
      assert.notEqual(pages.why, '');
      assert.ok(isDead(Number(pid)), `${pid} is ${statusOf(Number(pid))}`);
      await moving.commit(a, name);
      await moving.assertNothingOn(a);
      while ((await moving.stateOn(b)) !== 'stopped') await sleep(20);
      [a, b] = [b, a];
    });
  }

  /** A CRIU whose daemon takes its time, so that something can happen before it asks for the first page. */
  async function lateDaemon(): Promise<string> {
    const path = join(moving.folder, 'late-criu');
    const script = `#!/bin/sh\n[ "$1" != lazy-pages ] || sleep 1\nexec ${criu} "$@"\n`;
    await writeFile(path, script, { mode: 0o755 });
    return path;
  }

  /** With its memory filled anew. */
  async function restart(host: TestHost): Promise<void> {
    await host.client.ensureState({
      ref: { id: moving.id, generation: moving.generation },
      state: 'stopped',
      force: true,
    });
    await moving.startOn(host.client);
    while (!(await moving.inside(host, '[ -e /tmp/held ] && echo held || true'))) await sleep(50);
  }
});
