import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppError } from '../../domain/errors.ts';
import { makeAuthority } from '../../kit/certificates.ts';
import { locateCriu } from '../criu/locate.ts';
import type { Seen } from '../lxc/look.ts';
import type { Spec } from '../spec.ts';
import { inOwnHost } from '../testing/own-host.ts';
import type { MoveKey, Role } from './key.ts';
import type { DataToken, Timings } from './ports.ts';
import { makeHost, makeSegment, type TestHost } from './testing/two-hosts.ts';

const PREFIX = 'berth-test-move';
inOwnHost(import.meta.url, PREFIX);

const ECHO_CLIENT = resolve(import.meta.dirname, '../../../deploy/demo/echo-client.ts');
const criu = locateCriu(process.env.BERTH_CRIU) ?? assert.fail('no CRIU on this host: run the host set-up');

const id = '22222222-2222-4222-8222-222222222222';
const spec = (generation: number): Spec => ({
  id,
  generation,
  name: 'c1',
  project: 'default',
  architecture: '',
  ephemeral: false,
  config: {
    'limits.memory': '64MiB',
    'limits.cpu': '1',
    'volatile.eth0.hwaddr': '00:16:3e:00:00:02',
    'volatile.eth0.ipv4.address': '198.18.240.50',
    'volatile.eth0.ipv4.prefix': '24',
  },
  devices: { root: { type: 'disk', path: '/', pool: 'default' }, eth0: { type: 'nic', name: 'eth0' } },
  image: '',
  createdAt: 0,
});

interface Echoes {
  readonly lost: string | null;
  readonly corrupted: number;
  readonly sent: number;
  readonly answered: number;
  readonly longestMs: number;
}

/** A TCP client that asks every 2 ms while `work` is done. */
async function connected(work: () => Promise<void>): Promise<Echoes> {
  const client = spawn(process.execPath, [ECHO_CLIENT, '198.18.240.50', '7'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const up = new Promise<void>(done => client.stdout.on('data', chunk => done(void lines.push(String(chunk)))));
  const ended = new Promise(done => client.once('close', done));
  await up;
  await sleep(100);
  try {
    await work();
    await sleep(300);
  } finally {
    client.stdin.end();
    await ended;
  }
  return JSON.parse(lines.join('').trim().split('\n').at(-1)!) as Echoes;
}

describe('live move between two hosts', { timeout: 60_000 }, () => {
  let folder: string;
  let a: TestHost;
  let b: TestHost;
  let generation = 1;

  const keyOf = (role: Role, move: string): MoveKey => ({ move, instance: id, generation: generation + 1, role });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-move-'));
    await chmod(folder, 0o711);
    makeSegment('198.18.240.1/24');
    const authority = await makeAuthority('test');
    const host = (name: string, address: string) =>
      makeHost({ name, address, data: join(folder, name), cgroupPrefix: `${PREFIX}/${name}`, authority });
    a = await host('a', '198.18.240.11');
    b = await host('b', '198.18.240.12');
    await a.start(criu);
    await b.start(criu);
    await a.call<Seen>('launch', spec(1));
  });

  after(async () => {
    for (const host of [a, b]) {
      await host?.call('remove', id, 1000).catch(() => {});
      await host?.close();
    }
    await rm(folder, { recursive: true, force: true });
  });

  const look = (host: TestHost) => host.call<Seen>('look', id);
  const prepare = (target: TestHost, move: string) =>
    target.call<DataToken>('prepare', keyOf('target', move), spec(generation + 1), true);

  /** What the saga does, without the store. */
  async function move(from: TestHost, to: TestHost, name: string): Promise<Record<string, Timings>> {
    const token = await prepare(to, name);
    await from.call('sync', keyOf('source', name), token, false);
    const freeze = await from.call<Timings>('freeze', keyOf('source', name), token);
    const restore = await to.call<Timings>('awaitRestored', keyOf('target', name));
    const resume = await to.call<Timings>('resume', keyOf('target', name));
    const commit = await from.call<Timings>('commit', keyOf('source', name));
    await from.call('remove', id, generation);
    generation += 1;
    return { freeze, restore, resume, commit };
  }

  async function leftovers(host: TestHost): Promise<unknown> {
    const cgroup = join('/sys/fs/cgroup/unified', PREFIX, host.name);
    return {
      moves: await readdir(host.path(join(host.data, 'moves'))),
      lxc: await readdir(join(host.data, 'lxc')),
      volumes: await host.call('volumes'),
      veths: (await readdir(host.path('/sys/class/net'))).filter(name => /^[vp][0-9a-f]{8}$/.test(name)),
      cgroups: existsSync(cgroup) ? (await readdir(cgroup)).filter(name => name.includes(id)) : [],
    };
  }
  const NOTHING = { moves: [], lxc: [], volumes: [], veths: [], cgroups: [] };

  it('goes to the other host and back with its TCP connection, and leaves nothing behind', async t => {
    const echoes = await connected(async () => {
      for (const [from, to, name] of [
        [a, b, 'there'],
        [b, a, 'back'],
      ] as const) {
        t.diagnostic(JSON.stringify(await move(from, to, name)));
        assert.equal((await look(to)).state, 'running');
        assert.deepEqual(await leftovers(from), NOTHING);
      }
    });
    t.diagnostic(JSON.stringify(echoes));
    assert.deepEqual([echoes.lost, echoes.corrupted], [null, 0]);
    assert.equal(echoes.answered, echoes.sent);
    assert.ok(echoes.longestMs < 2000, `paused ${echoes.longestMs} ms`);
  });
});
