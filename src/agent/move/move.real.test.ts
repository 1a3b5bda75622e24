import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AppError } from '../../domain/errors.ts';
import { makeAuthority } from '../../kit/certificates.ts';
import type { DataToken, InstanceSpecSchema, MoveTimings } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { locateCriu } from '../criu/locate.ts';
import { makeBusyboxRoot } from '../testing/busybox-root.ts';
import { inOwnHost } from '../testing/own-host.ts';
import { makeHost, makeSegment, type TestHost } from './testing/two-hosts.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-move-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

const ECHO_CLIENT = resolve(import.meta.dirname, '../../../deploy/demo/echo-client.ts');
const criu = locateCriu(process.env.BERTH_CRIU) ?? assert.fail('no CRIU on this host: run the host set-up');

const id = '22222222-2222-4222-8222-222222222222';
const address = '198.18.240.50';
/** Answers on TCP port 7 with what it is told; and holds two deleted files open, one of which has another name yet. */
const INITTAB = '::sysinit:/bin/true\n::respawn:/bin/nc -ll -p 7 -e /bin/cat\n::respawn:/bin/hold\n';
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

const specOf = (generation: bigint): MessageInitShape<typeof InstanceSpecSchema> => ({
  id,
  generation,
  name: 'c1',
  project: 'default',
  config: {
    'limits.memory': '64MiB',
    'limits.cpu': '1',
    'volatile.eth0.hwaddr': '00:16:3e:00:00:02',
    'volatile.eth0.ipv4.address': address,
    'volatile.eth0.ipv4.prefix': '24',
  },
  devices: {
    root: { options: { type: 'disk', path: '/', pool: 'default' } },
    eth0: { options: { type: 'nic', name: 'eth0' } },
  },
});

describe('a live move between two hosts', () => {
  let folder: string;
  let a: TestHost;
  let b: TestHost;
  let generation = 1n;
  /** The move under way: what a test that fails leaves standing still is taken back before the next one. */
  let underWay: readonly [from: TestHost, to: TestHost, name: string] | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-move-'));
    await chmod(folder, 0o711);
    await makeSegment('198.18.240.1');
    const authority = await makeAuthority('test');
    const host = (name: string, at: string) =>
      makeHost({ name, address: at, data: join(folder, name), cgroupPrefix: `${PREFIX}/${name}`, authority });
    a = await host('a', '198.18.240.11');
    b = await host('b', '198.18.240.12');
    for (const each of [a, b]) {
      await each.start(criu);
      await each.client.ensurePool({ name: 'default', driver: 'dir' });
    }
    await launch(a);
  });

  after(async () => {
    for (const host of [a, b]) await host?.close();
    await rm(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    if (underWay !== undefined) await abort(...underWay).catch(() => {});
  });

  async function launch({ client, data, path }: TestHost): Promise<void> {
    await drain(client.ensureInstance({ spec: specOf(generation) }));
    const rootfs = path(join(data, 'pools/default/instances', id, 'rootfs'));
    await makeBusyboxRoot(rootfs, 1_000_000);
    await writeFile(join(rootfs, 'etc/inittab'), INITTAB);
    await writeFile(join(rootfs, 'bin/hold'), HOLD, { mode: 0o755 });
    await startOn(client);
  }

  async function startOn(client: TestHost['client']): Promise<void> {
    await client.ensureState({ ref: { id, generation }, state: 'running' });
    while (!(await answers())) await sleep(10);
  }

  const refOf = (role: 'source' | 'target', move: string) => ({
    move,
    instance: id,
    generation: generation + 1n,
    role,
  });
  const stateOn = async ({ client }: TestHost, now = generation) =>
    (await client.getInstanceState({ id, generation: now })).status?.state;

  async function prepare(from: TestHost, to: TestHost, move: string): Promise<DataToken> {
    const ref = refOf('target', move);
    underWay = [from, to, move];
    const token = await to.client.prepareMove({ ref, spec: specOf(generation + 1n), live: true, sourceDriver: 'dir' });
    await drain(from.client.syncMove({ ref: refOf('source', move), target: token, targetDriver: 'dir' }));
    return token;
  }

  /** What a shell says in it. */
  async function inside(host: TestHost, script: string): Promise<string> {
    const args = ['-P', join(host.data, 'lxc'), '-n', id, '--', 'sh', '-c', script];
    return (await host.run('lxc-attach', ...args)).stdout;
  }

  /** What the saga does, without the store. */
  async function move(from: TestHost, to: TestHost, name: string): Promise<object> {
    const target = await prepare(from, to, name);
    const timings = [
      await from.client.freezeMove({ ref: refOf('source', name), target }),
      await to.client.awaitMove(refOf('target', name)),
      await to.client.resumeMove(refOf('target', name)),
      await from.client.commitMove(refOf('source', name)),
    ];
    await from.client.ensureNoInstance({ ref: { id, generation } });
    generation += 1n;
    underWay = undefined;
    return timings.map(({ ms }: MoveTimings) => ms);
  }

  async function abort(from: TestHost, to: TestHost, name: string): Promise<void> {
    for (let twice = 0; twice < 2; twice += 1) {
      await from.client.abortMove(refOf('source', name));
      await to.client.abortMove(refOf('target', name));
    }
    underWay = undefined;
  }

  /** Nothing of it is on this host. */
  async function assertNothingOn(host: TestHost): Promise<void> {
    const names = async (path: string) => (existsSync(path) ? await readdir(path) : []);
    const pool = join(host.data, 'pools/default');
    const cgroups = ['memory', 'unified'].map(hierarchy => join('/sys/fs/cgroup', hierarchy, host.cgroupPrefix));
    const found = {
      moves: await names(host.path(join(host.data, 'moves'))),
      lxc: await names(join(host.data, 'lxc')),
      volumes: [...(await names(join(pool, 'instances'))), ...(await names(join(pool, 'transfers')))],
      veths: (await names(host.path('/sys/class/net'))).filter(name => /^[vp][0-9a-f]{8}$/.test(name)),
      cgroups: (await Promise.all(cgroups.map(names))).flat().filter(name => name.includes(id)),
    };
    assert.deepEqual(found, { moves: [], lxc: [], volumes: [], veths: [], cgroups: [] });
  }

  it('there and back: memory, address and TCP connection stay, nothing is left behind', {
    timeout: 30_000,
  }, async t => {
    const echoes = await connected(async () => {
      for (const [from, to, name] of [
        [a, b, 'there'],
        [b, a, 'back'],
      ] as const) {
        t.diagnostic(JSON.stringify(await move(from, to, name)));
        assert.equal(await stateOn(to), 'running');
        assert.equal(await inside(to, 'cat /proc/$(cat /tmp/pid)/fd/[56]'), 'gone\nlinked\n');
        await assertNothingOn(from);
      }
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
  });

  it('what cannot be saved is said beforehand, and is let run when it is tried all the same', {
    timeout: 30_000,
  }, async t => {
    const target = await b.client.getHost({});
    const check = () => a.client.checkMove({ ref: { id, generation }, target });
    const fine = await check();
    assert.deepEqual([fine.verdict, fine.obstacles], ['live', []]);
    assert.ok(fine.memoryBytes > 0n && fine.diskBytes > 0n && fine.processes >= 2);

    // With namespaces of its own, as a sandboxed service has; begun as a daemon begins, inside.
    const daemon = 'exec </dev/null >/dev/null 2>&1; busybox unshare -U sleep 1000 &';
    await inside(a, `setsid sh -c '${daemon}'`);
    const echoes = await connected(async () => {
      const { verdict, obstacles } = await check();
      assert.equal(verdict, 'restart');
      assert.match(obstacles.map(({ what }) => what).join(), /sleep .* user namespaces/);
      const token = await prepare(a, b, 'sandboxed');
      await assert.rejects(
        a.client.freezeMove({ ref: refOf('source', 'sandboxed'), target: token }),
        (error: AppError) => {
          assert.match(error.message, /saving the running container failed: .*nested user.*systemd\.md/);
          return error.code === 'unsupported';
        },
      );
      assert.equal(await stateOn(a), 'running');
      await abort(a, b, 'sandboxed');
      await assertNothingOn(b);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
    await inside(a, 'kill $(busybox pidof sleep)');
    assert.equal((await check()).verdict, 'live');
  });

  it('images that arrive damaged: it runs on where it was, and the target is clean', { timeout: 30_000 }, async t => {
    await b.kill();
    await b.start(await damagingCriu());
    const echoes = await connected(async () => {
      const target = await prepare(a, b, 'damaged');
      await a.client.freezeMove({ ref: refOf('source', 'damaged'), target });
      await assert.rejects(b.client.awaitMove(refOf('target', 'damaged')), (error: AppError) => {
        assert.match(error.message, /restoring the container failed: .*(arrived damaged)/);
        return error.code === 'unsupported';
      });
      await abort(a, b, 'damaged');
      assert.equal(await stateOn(a), 'running');
      await assertNothingOn(b);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
    await b.kill();
    await b.start(criu);
  });

  it('both agents die while it stands still: the next ones take it back, and it runs on', {
    timeout: 30_000,
  }, async t => {
    const echoes = await connected(async () => {
      const target = await prepare(a, b, 'killed');
      await a.client.freezeMove({ ref: refOf('source', 'killed'), target });
      await b.client.awaitMove(refOf('target', 'killed'));
      await Promise.all([a.kill(), b.kill()]);
      await Promise.all([a.start(criu), b.start(criu)]);
      await abort(a, b, 'killed');
      assert.equal(await stateOn(a), 'running');
      await assertNothingOn(b);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
  });

  it('the source dies in the middle of the freeze, then the target too: the next ones go on to the end', {
    timeout: 30_000,
  }, async t => {
    const echoes = await connected(async () => {
      const target = await prepare(a, b, 'resumed');
      const frozen = join(a.data, 'moves', `resumed.${id}.source`, 'at.frozen');
      const cut = a.client.freezeMove({ ref: refOf('source', 'resumed'), target }).then(
        () => assert.fail('it was killed'),
        () => {},
      );
      while (!existsSync(a.path(frozen))) await sleep(1);
      await a.kill();
      await cut;
      await a.start(criu);
      const again = await prepare(a, b, 'resumed');
      await a.client.freezeMove({ ref: refOf('source', 'resumed'), target: again });
      await b.kill();
      await b.start(criu);
      await a.client.freezeMove({ ref: refOf('source', 'resumed'), target: again });
      await b.client.awaitMove(refOf('target', 'resumed'));
      for (let twice = 0; twice < 2; twice += 1) await b.client.resumeMove(refOf('target', 'resumed'));
      await assert.rejects(b.client.abortMove(refOf('target', 'resumed')), /lives here now/);
      await assert.rejects(a.client.ensureState({ ref: { id, generation }, state: 'stopped', force: true }), /moved/);
      for (let twice = 0; twice < 2; twice += 1) await a.client.commitMove(refOf('source', 'resumed'));
      await a.client.ensureNoInstance({ ref: { id, generation } });
      generation += 1n;
      underWay = undefined;
      assert.equal(await stateOn(b), 'running');
      await assertNothingOn(a);
    });
    t.diagnostic(JSON.stringify(echoes));
    assertUnbroken(echoes);
  });

  it('called off before the freeze, or never begun: nothing happens to it', { timeout: 30_000 }, async () => {
    await abort(b, a, 'never');
    const echoes = await connected(async () => {
      await prepare(b, a, 'early');
      await abort(b, a, 'early');
      await assertNothingOn(a);
    });
    assertUnbroken(echoes);
    assert.ok(echoes.longestMs < 100, `paused ${echoes.longestMs} ms`);
    await assert.rejects(b.client.commitMove(refOf('source', 'never')), /never frozen/);
  });

  it('a stopped instance moves too: its volume, and who owns it', { timeout: 30_000 }, async () => {
    await b.client.ensureState({ ref: { id, generation }, state: 'stopped', force: true });
    const ref = refOf('target', 'cold');
    const target = await a.client.prepareMove({ ref, spec: specOf(generation + 1n), live: false });
    await drain(b.client.syncMove({ ref: refOf('source', 'cold'), target, final: true }));
    await a.client.awaitMove(ref);
    for (let twice = 0; twice < 2; twice += 1) await a.client.resumeMove(ref);
    for (let twice = 0; twice < 2; twice += 1) await b.client.commitMove(refOf('source', 'cold'));
    await b.client.ensureNoInstance({ ref: { id, generation } });
    generation += 1n;
    await assertNothingOn(b);
    assert.equal(await stateOn(a), 'stopped');
    await startOn(a.client);
    assertUnbroken(await connected(async () => {}));
  });

  /** A CRIU that finds its images truncated. */
  async function damagingCriu(): Promise<string> {
    const path = join(folder, 'damaging-criu');
    const script = `#!/bin/sh\n[ "$1" != restore ] || : >"$BERTH_MOVE/images/core-1.img"\nexec ${criu} "$@"\n`;
    await writeFile(path, script, { mode: 0o755 });
    return path;
  }
});

interface Echoes {
  readonly lost: string | null;
  readonly corrupted: number;
  readonly sent: number;
  readonly answered: number;
  readonly longestMs: number;
}

/** Its echo server is up. */
function answers(): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: address, port: 7 }, () => socket.end(() => resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

/** A TCP client that asks every 2 ms while `work` is done. */
async function connected(work: () => Promise<void>): Promise<Echoes> {
  const client = spawn(process.execPath, [ECHO_CLIENT, address, '7'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said: string[] = [];
  const up = new Promise<void>(done => client.stdout.on('data', chunk => done(void said.push(String(chunk)))));
  const ended = new Promise(done => client.once('close', done));
  await up;
  try {
    await work();
    await sleep(300); // some more answers from where it is now
  } finally {
    client.stdin.end();
    await ended;
  }
  return JSON.parse(said.join('').trim().split('\n').at(-1)!) as Echoes;
}

function assertUnbroken({ lost, corrupted, sent, answered }: Echoes): void {
  assert.deepEqual({ lost, corrupted, unanswered: sent - answered }, { lost: null, corrupted: 0, unanswered: 0 });
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}
