/** What fails around Berth is said plainly, nothing is half-done, and it goes on by itself when the world is well again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { start } from '../../src/agent/command.ts';
import { type Harness, openHarness } from './harness.ts';

interface Listed {
  readonly name: string;
  readonly status: string;
}

describe('bad luck', { timeout: 240_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('bad-luck', { hosts: 2 });
    await harness.berth(['launch', 'busybox', 'c1', '--target', 'n1']);
  });
  after(() => harness?.close());
  const names = async () => (await harness.berthJson<Listed[]>('list')).map(({ name }) => name);

  it('etcd gone: reads answer, writes say so, and all is well when it is back', async () => {
    await harness.cluster.killEtcd(0);
    try {
      assert.deepEqual(await names(), ['c1']);
      assert.match(await harness.berthFails('init', 'busybox', 'c2'), /etcd|store/i);
    } finally {
      await harness.cluster.startEtcd(0);
    }
    await until(async () => (await harness.berth(['init', 'busybox', 'c2'], { allowFailure: true })).code === 0);
    assert.deepEqual(await names(), ['c1', 'c2']);
    await harness.berth(['delete', 'c2']);
  });

  it('an agent gone for good during a create: the instance is made elsewhere, or its failure is reported', async () => {
    const launches = Promise.all(
      ['d1', 'd2', 'd3', 'd4'].map(name => harness.berth(['launch', 'busybox', name], { allowFailure: true })),
    );
    await harness.cluster.killAgent('n2');
    const outcomes = await launches;
    await harness.cluster.startAgent('n2');
    await harness.cluster.online();
    const listed = await harness.berthJson<Listed[]>('list');
    outcomes.forEach(({ code, stderr }, i) => {
      const found = listed.find(({ name }) => name === `d${i + 1}`);
      if (code === 0) assert.equal(found?.status, 'Running');
      else assert.notEqual(stderr, '');
    });
    await Promise.all(
      listed.filter(({ name }) => name !== 'c1').map(({ name }) => harness.berth(['delete', name, '--force'])),
    );
  });

  it('a client that hangs up during exec takes its command with it', async () => {
    const client = start('lxc', ['exec', 'c1', '--', 'sleep', '4321'], {
      env: { LXD_DIR: `${harness.cluster.dir}/controller`, LXD_CONF: `${harness.cluster.dir}/cli/lxc`, HOME: '/root' },
    });
    const sleeping = async () =>
      (
        await harness.berth(['exec', 'c1', '--', 'sh', '-c', 'ps | grep -c "[s]leep 4321"'], { allowFailure: true })
      ).stdout.trim();
    await until(async () => (await sleeping()) === '1');
    client.kill('SIGKILL');
    await client.exited;
    await until(async () => (await sleeping()) === '0');
  });

  it('a full pool: what runs goes on, what needs room says so, and room made is room had', async () => {
    const fill =
      'for size in 15G 900M 90M 9M; do fallocate -l $size /big.$size; done; dd if=/dev/zero of=/big bs=64k; true';
    await harness.berth(['exec', 'c1', '--', 'sh', '-c', fill], { timeoutMs: 60_000 });
    assert.equal((await harness.berth(['exec', 'c1', '--', 'echo', 'still here'])).stdout, 'still here\n');
    const { code, stderr } = await harness.berth(['exec', 'c1', '--', 'sh', '-c', 'echo more > /more'], {
      allowFailure: true,
    });
    assert.notEqual(code, 0, 'the pool is full');
    assert.match(stderr, /No space left/);
    const launched = await harness.berth(['launch', 'busybox', 'e1', '--target', 'n1'], { allowFailure: true });
    if (launched.code !== 0) assert.match(launched.stderr, /space|full|room/i);
    await harness.berth(['exec', 'c1', '--', 'sh', '-c', 'rm -f /big*']);
    if (launched.code === 0) await harness.berth(['delete', 'e1', '--force']);
    assert.deepEqual(await names(), ['c1']);
    await until(
      async () =>
        (await harness.berth(['launch', 'busybox', 'e2', '--target', 'n1'], { allowFailure: true })).code === 0,
    );
    await harness.berth(['delete', 'e2', '--force']);
  });
});

async function until(probe: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await probe())) {
    assert.ok(performance.now() < deadline, 'waited too long');
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
