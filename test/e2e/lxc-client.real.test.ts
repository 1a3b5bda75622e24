/** Debian's own `lxc` 5.0.2 against the cluster, over HTTPS with a token and over the unix socket: what people type. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildBusyboxImage } from '../../deploy/images/busybox.ts';
import { run, start } from '../../src/agent/command.ts';
import { type Harness, openHarness } from './harness.ts';

describe('the lxc client', { timeout: 240_000 }, () => {
  let harness: Harness;
  let remote: (...args: string[]) => Promise<string>;
  before(async () => {
    harness = await openHarness('lxc');
    const conf = join(harness.cluster.dir, 'cli', 'lxc-remote');
    mkdirSync(conf, { recursive: true });
    // A second configuration, so that this client knows the cluster by its address alone.
    remote = async (...args) =>
      (await run('lxc', args, { env: { LXD_CONF: conf, HOME: conf }, timeoutMs: 60_000 })).stdout;
  });
  after(() => harness?.close());
  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout;

  it('is trusted by a token over HTTPS', async () => {
    const added = await lxc('config', 'trust', 'add', '--name', 'laptop');
    const token = added.trim().split('\n').at(-1)!;
    await remote('remote', 'add', 'cluster', token);
    assert.match(await remote('list', 'cluster:'), /NAME/);
    assert.match(await lxc('config', 'trust', 'list'), /laptop/);
  });

  it('imports unified and split images', async () => {
    const folder = join(harness.cluster.dir, 'split');
    mkdirSync(folder);
    const { file, rootfs } = await buildBusyboxImage(join(folder, 'meta.tar.gz'), { split: true });
    await lxc('image', 'import', file, rootfs!, '--alias', 'split');
    const list = await lxc('image', 'list', '--format', 'csv');
    assert.match(list, /^busybox,/m);
    assert.match(list, /^split,/m);
    await lxc('launch', 'split', 's1');
    assert.equal(await lxc('exec', 's1', '--', 'uname', '-n'), 's1\n');
    await lxc('delete', '-f', 's1');
  });

  it('inits, launches, lists, shows', async () => {
    await lxc('init', 'busybox', 'c1');
    assert.match(await lxc('list', '--format', 'csv', '-c', 'ns'), /^c1,STOPPED$/m);
    await lxc('start', 'c1');
    await lxc('launch', 'busybox', 'c2', '-c', 'limits.memory=64MiB', '--target', 'n2');
    assert.match(await lxc('list', '--format', 'csv', '-c', 'nsL'), /^c2,RUNNING,n2$/m);
    assert.match(await lxc('info', 'c2'), /Status: RUNNING/);
    assert.match(await remote('list', 'cluster:', '--format', 'csv', '-c', 'n4'), /^c2,198\.\d+\.\d+\.\d+ \(eth0\)$/m);
  });

  it('runs commands: exit code, standard input, a shell', async () => {
    const seven = await harness.lxc(['exec', 'c1', '--', 'sh', '-c', 'exit 7'], { allowFailure: true });
    assert.equal(seven.code, 7);
    assert.equal((await harness.lxc(['exec', 'c1', '--', 'cat'], { input: 'typed' })).stdout, 'typed');
    const shell = await harness.lxc(['exec', 'c1', '--mode=non-interactive', '--', 'sh'], {
      input: 'echo $((6*7)); exit 3\n',
      allowFailure: true,
    });
    assert.deepEqual([shell.code, shell.stdout], [3, '42\n']);
    const missing = await harness.lxc(['exec', 'c1', '--', 'no-such-command'], { allowFailure: true });
    assert.equal(missing.code, 127);
    const big = await harness.lxc(['exec', 'c1', '--', 'head', '-c', '3000000', '/dev/zero'], {
      maxOutputBytes: 4_000_000,
    });
    assert.equal(big.stdout.length, 3_000_000);
  });

  it('opens a terminal', async () => {
    // `script` gives lxc a terminal of its own, as a person has.
    const { stdout } = await run('script', ['-qec', 'lxc exec c1 -- sh -c "tty; stty size; exit 5"', '/dev/null'], {
      env: {
        LXD_DIR: join(harness.cluster.dir, 'controller'),
        LXD_CONF: join(harness.cluster.dir, 'cli/lxc'),
        TERM: 'xterm',
        HOME: '/root',
      },
      allowFailure: true,
      timeoutMs: 30_000,
    });
    assert.match(stdout, /\/dev\/(pts\/\d+|console)/);
  });

  it('configures instances and profiles', async () => {
    await lxc('config', 'set', 'c1', 'user.note', 'hello');
    assert.equal(await lxc('config', 'get', 'c1', 'user.note'), 'hello\n');
    await lxc('profile', 'create', 'small');
    await lxc('profile', 'set', 'small', 'limits.memory', '48MiB');
    await lxc('profile', 'assign', 'c1', 'default,small');
    assert.match(await lxc('config', 'show', 'c1', '--expanded'), /limits.memory: 48MiB/);
    assert.match(await lxc('exec', 'c1', '--', 'grep', 'MemTotal', '/proc/meminfo'), /49152 kB/);
  });

  it('stops, starts, restarts, pauses', async () => {
    await lxc('pause', 'c1');
    assert.match(await lxc('list', 'c1', '--format', 'csv', '-c', 's'), /FROZEN/);
    await lxc('start', 'c1');
    await lxc('restart', 'c1', '--force');
    await lxc('stop', 'c1');
    assert.match(await lxc('list', 'c1', '--format', 'csv', '-c', 's'), /STOPPED/);
    await lxc('start', 'c1');
  });

  it('moves a running and a stopped container', async () => {
    await lxc('move', 'c2', '--target', 'n3');
    assert.match(await lxc('list', '--format', 'csv', '-c', 'nsL'), /^c2,RUNNING,n3$/m);
    await lxc('stop', '-f', 'c2');
    await lxc('move', 'c2', '--target', 'n1');
    assert.match(await lxc('list', '--format', 'csv', '-c', 'nsL'), /^c2,STOPPED,n1$/m);
    await lxc('move', 'c2', 'c2b');
    assert.match(await lxc('list', '--format', 'csv', '-c', 'n'), /^c2b$/m);
  });

  it('sees the cluster, and events as they happen', async () => {
    const members = await lxc('cluster', 'list', '--format', 'csv');
    for (const host of ['n1', 'n2', 'n3']) assert.match(members, new RegExp(`^${host},.*ONLINE`, 'm'));
    const monitor = start('lxc', ['monitor', '--format', 'json', '--type', 'operation'], {
      env: {
        LXD_DIR: join(harness.cluster.dir, 'controller'),
        LXD_CONF: join(harness.cluster.dir, 'cli/lxc'),
        HOME: '/root',
      },
    });
    try {
      // Only what happens after it listens is told, and it does not say when it does: restart until it has heard of one.
      const heard = new Promise<void>(resolve => {
        let text = '';
        monitor.stdout.on('data', chunk => {
          text += chunk;
          if (text.includes('"Restarting instance"')) resolve();
        });
      });
      let waiting = true;
      void heard.then(() => {
        waiting = false;
      });
      for (let i = 0; i < 20 && waiting; i += 1) await lxc('restart', '-f', 'c1');
      assert.equal(waiting, false, 'the monitor heard of a restart');
    } finally {
      monitor.kill('SIGKILL');
      await monitor.exited;
    }
  });

  it('deletes', async () => {
    await lxc('delete', '-f', 'c1', 'c2b');
    assert.equal(await lxc('list', '--format', 'csv'), '');
    await lxc('profile', 'delete', 'small');
    await lxc('image', 'delete', 'split');
  });
});
