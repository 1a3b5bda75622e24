/** Instances as the real `lxc` 5.0.2 handles them, beyond the first steps: all at once, types, moves with a name, archives. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../src/agent/command.ts';
import { type Harness, openHarness } from './harness.ts';

describe('instances with lxc', { timeout: 180_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('lxc-instances');
  });
  after(() => harness?.close());
  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout;
  const fails = async (...args: string[]) => {
    const { code, stderr } = await harness.lxc(args, { allowFailure: true });
    assert.notEqual(code, 0, `lxc ${args.join(' ')} should have failed`);
    return stderr;
  };
  const states = async () => (await lxc('list', '--format', 'csv', '-c', 'ns')).trim().split('\n').sort();
  const inside = (name: string, script: string) => lxc('exec', name, '--', 'sh', '-c', script);

  it('makes one of a type, and an empty one', async () => {
    await lxc('init', 'busybox', 'c1', '-t', 'c1-m1');
    assert.equal(await lxc('config', 'get', 'c1', 'limits.memory'), '1024MiB\n');
    await lxc('init', 'busybox', 'c2');
    await lxc('init', '--empty', 'e1');
    assert.match(await fails('init', 'busybox', 'c9', '-t', 't2.micro'), /instance_type/);
  });

  it('starts and stops all, and names what failed', async () => {
    assert.match(await fails('start', '--all'), /e1:/); // there is nothing to run in it
    assert.deepEqual(await states(), ['c1,RUNNING', 'c2,RUNNING', 'e1,STOPPED']);
    await lxc('delete', 'e1');
    await lxc('stop', '--all', '--force');
    assert.deepEqual(await states(), ['c1,STOPPED', 'c2,STOPPED']);
  });

  it('moves one and renames it in one go', async () => {
    const [here] = (await lxc('list', 'c2', '--format', 'csv', '-c', 'L')).trim().split('\n');
    await lxc('move', 'c2', 'c3', '--target', here === 'n1' ? 'n2' : 'n1');
    assert.deepEqual(await states(), ['c1,STOPPED', 'c3,STOPPED']);
  });

  it('exports what runs with its snapshots, and imports it under another name', async () => {
    await lxc('start', 'c1');
    await inside('c1', 'echo v1 > /root/f; ln -s /etc/passwd /root/link; mkdir /data; chown 1000:1000 /data');
    await lxc('snapshot', 'c1', 's1');
    await inside('c1', 'echo v2 > /root/f');
    const file = join(harness.cluster.dir, 'c1.tar.gz');
    await lxc('export', 'c1', file);
    assert.match(await lxc('query', '/1.0/instances/c1/backups'), /^\[\]\s*$/);
    const { stdout } = await run('tar', ['-tzf', file]);
    assert.equal(stdout.split('\n')[1], 'backup/index.yaml');
    await lxc('import', file, 'c4');
    await lxc('start', 'c4');
    const look = 'cat /root/f; readlink /root/link; stat -c %u:%g /data; hostname';
    assert.equal(await inside('c4', look), 'v2\n/etc/passwd\n1000:1000\nc4\n');
    await lxc('restore', 'c4', 's1');
    assert.equal(await inside('c4', 'cat /root/f'), 'v1\n');
    assert.match(await fails('import', file, 'c4'), /already exists/);
  });

  it('does the same with berth, packed otherwise and without snapshots', async () => {
    const file = join(harness.cluster.dir, 'c4.tar.zst');
    await harness.berth(['export', 'c4', file, '--compression', 'zstd', '--instance-only']);
    assert.match((await harness.berth(['import', file, 'c5'])).stdout, /Instance name is: c5/);
    assert.match(await lxc('list', 'c5', '--format', 'csv', '-c', 'nS'), /^c5,0$/m);
    assert.match(await harness.berthFails('export', 'c4', file, '--optimized-storage'), /"optimized_storage"/);
  });

  it('takes in a tree as LXD writes it, with shifted owners, and nothing that leads out of it', async () => {
    const tree = join(harness.cluster.dir, 'tree');
    const root = join(tree, 'backup/container/rootfs');
    mkdirSync(join(root, 'etc'), { recursive: true });
    writeFileSync(join(root, 'etc/whose'), 'root of the instance\n');
    const idmap = JSON.stringify([{ Isuid: true, Isgid: true, Hostid: 300_000, Nsid: 0, Maprange: 65_536 }]);
    const config = { config: { 'volatile.last_state.idmap': idmap, 'user.from': 'lxd' }, profiles: ['default'] };
    const container = { ...config, name: 'theirs', architecture: 'x86_64', devices: {}, ephemeral: false };
    writeFileSync(join(tree, 'backup/index.yaml'), JSON.stringify({ name: 'theirs', config: { container } }));
    const pack = async (name: string, ...more: string[]) => {
      const file = join(harness.cluster.dir, name);
      const owner = ['--owner=300000', '--group=300000', '--numeric-owner'];
      await run('tar', ['-czf', file, ...owner, '-C', tree, ...more, 'backup']);
      return file;
    };
    await lxc('import', await pack('theirs.tar.gz'));
    assert.equal(await lxc('config', 'get', 'theirs', 'user.from'), 'lxd\n');
    const file = join(harness.cluster.dir, 'back.tar.gz');
    await lxc('export', 'theirs', file);
    const { stdout } = await run('tar', ['-tzvf', file, '--numeric-owner', 'backup/container/rootfs/etc/whose']);
    assert.match(stdout, /^-rw-r--r-- 0\/0 /); // the owners inside
    await lxc('delete', 'theirs');

    symlinkSync('/etc', join(root, 'out'));
    const hostile = await pack('hostile.tar.gz', '--transform=s,etc/whose,out/berth-was-here,');
    assert.match(await fails('import', hostile), /out/);
    const dots = await pack('dots.tar.gz', '-P', '--transform=s,etc/whose,../../../../x,');
    assert.match(await fails('import', dots), /\.\./);
    assert.deepEqual(
      (await states()).filter(each => each.startsWith('theirs')),
      [],
    );
  });
});
