import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { run } from '../../src/agent/command.ts';
import { buildBusyboxImage, CREATED_S } from './busybox.ts';

describe('the busybox image', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'berth-busybox.'));
    await run('chmod', ['711', dir]);
  });
  after(() => rm(dir, { recursive: true, force: true }));
  const bytes = (name: string) => readFile(join(dir, name));

  test('has the same bytes every time, unified and split', async () => {
    for (const name of ['a', 'b']) {
      await buildBusyboxImage(join(dir, `${name}.tar.gz`));
      await buildBusyboxImage(join(dir, `${name}.meta`), { split: true });
    }
    assert.deepEqual(await bytes('a.tar.gz'), await bytes('b.tar.gz'));
    assert.deepEqual(await bytes('a.meta'), await bytes('b.meta'));
    assert.deepEqual(await bytes('a.meta.squashfs'), await bytes('b.meta.squashfs'));
    const meta = parse((await run('tar', ['-xzOf', join(dir, 'a.meta'), 'metadata.yaml'])).stdout);
    assert.equal(meta.architecture, (await run('uname', ['-m'])).stdout.trim());
    assert.equal(typeof meta.creation_date, 'number');
  });

  test('holds the same tree in both forms, all of it root’s', async () => {
    await run('mkdir', [join(dir, 'unified')]);
    await run('tar', ['-xzpf', join(dir, 'a.tar.gz'), '-C', join(dir, 'unified')]);
    await run('unsquashfs', ['-q', '-n', '-d', join(dir, 'split'), join(dir, 'a.meta.squashfs')]);
    const listing = (tree: string, format = '%P %m %U:%G %l\n') => run('find', [join(dir, tree), '-printf', format]);
    const unified = (await listing('unified/rootfs')).stdout.split('\n').sort();
    assert.deepEqual((await listing('split')).stdout.split('\n').sort(), unified);
    assert.deepEqual([...new Set((await listing('split', '%Ts ')).stdout.trim().split(' '))], [String(CREATED_S)]);
    assert.ok(unified.some(line => line.startsWith('tmp 1777 0:0')));
    assert.ok(unified.every(line => line === '' || line.includes(' 0:0 ')));
  });

  test('boots unprivileged under LXC, runs commands, and halts when asked', async () => {
    const rootfs = join(dir, 'unified/rootfs');
    await run('chown', ['-hR', '1000000:1000000', rootfs]);
    const name = `berth-busybox-test-${process.pid}`;
    await run('mkdir', [join(dir, name)]);
    const ids = ['u', 'g'].map(kind => `lxc.idmap = ${kind} 0 1000000 65536`);
    const config = [
      ...ids,
      `lxc.rootfs.path = dir:${rootfs}`,
      'lxc.uts.name = trial',
      'lxc.net.0.type = empty',
      'lxc.signal.halt = SIGUSR1',
      'lxc.console.path = none',
      'lxc.tty.max = 0',
      `lxc.cgroup.dir = ${name}`,
    ];
    await writeFile(join(dir, name, 'config'), `${config.join('\n')}\n`);
    const lxc = (command: string, ...args: string[]) => run(command, ['-P', dir, '-n', name, ...args]);
    try {
      await lxc('lxc-start');
      assert.equal(
        (await lxc('lxc-attach', '--', '/bin/sh', '-lc', 'id -un; which awk')).stdout,
        'root\n/usr/bin/awk\n',
      );
      await lxc('lxc-stop', '--nokill', '-t', '10');
      assert.match((await lxc('lxc-info', '-s')).stdout, /STOPPED/);
    } finally {
      await run('lxc-stop', ['-P', dir, '-n', name, '-k'], { allowFailure: true });
      await run('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', `*/${name}*`, '-delete'], {
        allowFailure: true,
      });
    }
  });
});
