/** Disks and device nodes as the real `lxc` 5.0.2 plugs them into running instances; and what a live move does with them. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Harness, openHarness } from './harness.ts';

describe('devices with lxc', { timeout: 180_000 }, () => {
  let harness: Harness;
  let folder: string;
  before(async () => {
    harness = await openHarness('lxc-devices');
    folder = join(harness.cluster.dir, 'shared');
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'data/hello'), 'from the host');
    chmodSync(folder, 0o700);
    await lxc('launch', 'busybox', 'c1', '--target', 'n1');
  });
  after(() => harness?.close());
  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout.trim();
  const inside = async (name: string, script: string) => {
    const { stdout, stderr } = await harness.lxc(['exec', name, '--', 'sh', '-c', script], { allowFailure: true });
    return `${stdout}${stderr}`.trim();
  };
  const fails = async (why: RegExp, ...args: string[]) => {
    const { code, stderr } = await harness.lxc(args, { allowFailure: true });
    assert.notEqual(code, 0, `lxc ${args.join(' ')} should have failed`);
    assert.match(stderr, why);
  };
  const device = (verb: string, ...words: string[]) => lxc('config', 'device', verb, ...words);

  it('a folder and a node come into a running instance, change, and go with it on a live move', async () => {
    await device('add', 'c1', 'data', 'disk', `source=${join(folder, 'data')}`, 'path=/mnt/data');
    await device('add', 'c1', 'zero', 'unix-char', 'source=/dev/zero', 'path=/dev/myzero', 'mode=0604');
    assert.equal(await inside('c1', 'cat /mnt/data/hello'), 'from the host');
    await device('set', 'c1', 'data', 'readonly', 'true');
    assert.match(await inside('c1', 'touch /mnt/data/x'), /Read-only/);
    await inside('c1', 'touch /dev/alive'); // its /dev is memory
    await lxc('move', 'c1', '--target', 'n2');
    assert.equal(await inside('c1', 'ls /dev/alive'), '/dev/alive');
    assert.equal(await inside('c1', 'cat /mnt/data/hello'), 'from the host');
    assert.match(await inside('c1', 'touch /mnt/data/x'), /Read-only/);
    assert.equal(await inside('c1', 'stat -c "%F %a" /dev/myzero'), 'character special file 604');
    assert.equal(await inside('c1', 'head -c 5 /dev/myzero | wc -c'), '5');
  });

  it('and are taken out of the moved one; it goes on to another host', async () => {
    await device('remove', 'c1', 'data');
    await device('remove', 'c1', 'zero');
    assert.match(await inside('c1', 'cat /mnt/data/hello'), /No such file/);
    assert.match(await inside('c1', 'ls /dev/myzero'), /No such file/);
    await lxc('move', 'c1', '--target', 'n3');
    assert.equal(await inside('c1', 'ls /dev/alive'), '/dev/alive');
  });

  it('a custom volume comes into a running instance, and goes', async () => {
    await lxc('storage', 'volume', 'create', 'default', 'v1', '--target', 'n3');
    await lxc('storage', 'volume', 'attach', 'default', 'v1', 'c1', '/srv');
    await inside('c1', 'echo kept > /srv/f');
    await lxc('storage', 'volume', 'detach', 'default', 'v1', 'c1');
    assert.match(await inside('c1', 'cat /srv/f'), /No such file/);
    await lxc('storage', 'volume', 'attach', 'default', 'v1', 'c1', '/mnt');
    assert.equal(await inside('c1', 'cat /mnt/f'), 'kept');
  });

  it('a privileged one may use the node that it was given, and no other', async () => {
    await lxc('launch', 'busybox', 'p1', '-c', 'security.privileged=true');
    await inside('p1', 'mknod /root/kmsg c 1 11');
    await device('add', 'p1', 'kmsg', 'unix-char', 'path=/dev/kmsg');
    assert.doesNotMatch(await inside('p1', 'head -c 1 /dev/kmsg >/dev/null'), /not permitted/);
    await device('remove', 'p1', 'kmsg');
    assert.match(await inside('p1', 'head -c 1 /root/kmsg'), /not permitted/);
    await lxc('delete', '--force', 'p1');
  });

  it('what cannot be is refused by name, and leaves all as it was', async () => {
    await fails(
      /"x": this host has no .*nowhere/,
      'config',
      'device',
      'add',
      'c1',
      'x',
      'disk',
      `source=${folder}/nowhere`,
      'path=/x',
    );
    await fails(
      /"x": this host has no character device/,
      'config',
      'device',
      'add',
      'c1',
      'x',
      'unix-char',
      'path=/dev/nowhere',
    );
    await fails(/below \/dev/, 'config', 'device', 'add', 'c1', 'x', 'unix-char', 'path=/etc/passwd');
    await fails(/shift.*CRIU/, 'config', 'device', 'add', 'c1', 'x', 'disk', 'source=/tmp', 'path=/x', 'shift=true');
    for (const [type, why] of [
      ['gpu', /unix-char/],
      ['tpm', /tpm0/],
      ['usb', /bus\/usb/],
    ] as const)
      await fails(why, 'config', 'device', 'add', 'c1', 'x', type, 'path=/dev/tpm0');
    assert.equal(await device('list', 'c1'), 'v1');
  });

  it('berth does the same with its words', async () => {
    const berth = async (...args: string[]) => (await harness.berth(args)).stdout.trim();
    await berth(
      'config',
      'device',
      'add',
      'c1',
      'note',
      'disk',
      `source=${join(folder, 'data/hello')}`,
      'path=/etc/note',
    );
    assert.equal(await inside('c1', 'cat /etc/note'), 'from the host');
    assert.equal(await berth('config', 'device', 'get', 'c1', 'note', 'path'), '/etc/note');
    await berth('config', 'device', 'remove', 'c1', 'note');
    assert.equal(await inside('c1', 'cat /etc/note'), '');
  });
});
