/** Files of instances by Debian's `lxc` 5.0.2: pushed and pulled, running and stopped, and with a guest that means harm. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { openSftp } from '../../src/rpc/sftp/client.ts';
import { OPEN } from '../../src/rpc/sftp/packet.ts';
import { type Harness, openHarness } from './harness.ts';

const BIG_BYTES = 40_000_000;

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

describe('files of instances', { timeout: 240_000 }, () => {
  let harness: Harness;
  let folder: string;
  before(async () => {
    harness = await openHarness('lxc-files');
    folder = join(harness.cluster.dir, 'files');
    mkdirSync(folder);
    await harness.lxc(['launch', 'busybox', 'c1']);
  });
  after(() => harness?.close());

  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout;
  const inside = (script: string) => lxc('exec', 'c1', '--', 'sh', '-c', script);
  const fails = async (...args: string[]) => {
    const { code, stderr } = await harness.lxc(args, { allowFailure: true });
    assert.notEqual(code, 0, `lxc ${args.join(' ')} should have failed`);
    return stderr;
  };
  const api = (method: string, path: string, headers = {}, body: Buffer | string = ''): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const url = `/1.0/instances/c1/files?path=${encodeURIComponent(path)}`;
      const sent = request({ socketPath: harness.cluster.socketPath, method, path: url, headers }, async response => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) });
      });
      sent.once('error', reject);
      sent.setTimeout(30_000, () => sent.destroy(new Error(`${method} ${path} hangs`)));
      sent.end(body);
    });

  it('pushes and pulls a file with owner and mode, through standard streams too', async () => {
    const file = join(folder, 'a');
    writeFileSync(file, 'hello\n');
    await lxc('file', 'push', file, 'c1/root/a', '--uid', '1000', '--gid', '1001', '--mode', '0640');
    assert.equal(await inside('stat -c "%u %g %a" /root/a; cat /root/a'), '1000 1001 640\nhello\n');
    await lxc('file', 'pull', 'c1/root/a', join(folder, 'b'));
    assert.equal(readFileSync(join(folder, 'b'), 'utf8'), 'hello\n');
    assert.equal(await lxc('file', 'pull', 'c1/root/a', '-'), 'hello\n');
    await harness.lxc(['file', 'push', '-', 'c1/tmp/typed'], { input: 'typed' });
    assert.equal(await inside('cat /tmp/typed'), 'typed');
    await lxc('file', 'push', '-p', file, 'c1/srv/deep/er/a');
    assert.equal(await inside('cat /srv/deep/er/a'), 'hello\n');
  });

  it('pushes and pulls a tree with links', async () => {
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'sub'), { recursive: true });
    for (let i = 0; i < 20; i += 1) writeFileSync(join(tree, 'sub', `f${i}`), `${i}`);
    symlinkSync('sub/f7', join(tree, 'link'));
    await lxc('file', 'push', '-r', tree, 'c1/root');
    await lxc('file', 'push', '-r', tree, 'c1/root'); // what is there already is no error
    assert.equal(await inside('cat /root/tree/link; ls /root/tree/sub | wc -l'), '720\n');
    const back = join(folder, 'back');
    mkdirSync(back);
    await lxc('file', 'pull', '-r', 'c1/root/tree', back);
    assert.equal(readFileSync(join(back, 'tree/sub/f19'), 'utf8'), '19');
    assert.equal(readlinkSync(join(back, 'tree/link')), 'sub/f7');
  });

  it('tells type, owner and mode in headers; appends; lists; deletes', async () => {
    const written = { 'X-LXD-type': 'file', 'X-LXD-mode': '0600', 'X-LXD-uid': '5', 'X-LXD-gid': '6' };
    assert.equal((await api('POST', 'root/h', written, 'one')).status, 200);
    assert.equal((await api('POST', '/root/h', { 'X-LXD-write': 'append' }, '+two')).status, 200);
    const got = await api('GET', 'root/h');
    assert.equal(got.body.toString(), 'one+two');
    const { headers } = await api('HEAD', '/root/h');
    const shown = ['uid', 'gid', 'mode', 'type'].map(name => headers[`x-lxd-${name}`]);
    assert.deepEqual(shown, ['5', '6', '0600', 'file']);
    assert.equal(headers['content-length'], '7');
    const list = await api('GET', '/root');
    assert.equal(list.headers['x-lxd-type'], 'directory');
    assert.ok(JSON.parse(list.body.toString()).metadata.includes('h'));
    assert.equal((await api('POST', '/root/l', { 'X-LXD-type': 'symlink' }, '/root/h')).status, 200);
    const link = await api('GET', '/root/l');
    assert.deepEqual([link.headers['x-lxd-type'], link.body.toString()], ['symlink', '/root/h']);
    await lxc('file', 'delete', 'c1/root/h', 'c1/root/l');
    assert.equal((await api('GET', '/root/h')).status, 404);
    assert.match(await fails('file', 'delete', 'c1/root/h'), /no such file/i);
  });

  it('refuses bad input by name and changes nothing', async () => {
    for (const [name, value] of [
      ['X-LXD-mode', 'rwx'],
      ['X-LXD-uid', '-5'],
      ['X-LXD-type', 'fifo'],
      ['X-LXD-write', 'truncate'],
    ] as const) {
      const refused = await api('POST', '/root/bad', { [name]: value }, 'x');
      assert.equal(refused.status, 400, name);
      assert.match(refused.body.toString(), new RegExp(name, 'i'));
    }
    assert.equal((await api('GET', '/root/bad')).status, 404);
    assert.equal((await api('GET', '')).status, 400);
    assert.equal((await api('GET', `/${'x/'.repeat(2500)}`)).status, 400);
    assert.equal((await api('GET', '/root/\0x')).status, 400);
  });

  it('carries a big file both ways unharmed, in little memory', async () => {
    const big = join(folder, 'big');
    writeFileSync(big, Buffer.alloc(BIG_BYTES, 'berth-'));
    await lxc('file', 'push', big, 'c1/root/big');
    await lxc('file', 'pull', 'c1/root/big', `${big}.back`);
    assert.ok(readFileSync(big).equals(readFileSync(`${big}.back`)));
    await lxc('file', 'delete', 'c1/root/big');
  });

  it('sees what the container mounts', async () => {
    await inside('mkdir -p /mnt/t && mount -t tmpfs none /mnt/t && echo mounted > /mnt/t/x');
    assert.equal(await lxc('file', 'pull', 'c1/mnt/t/x', '-'), 'mounted\n');
    await inside('umount /mnt/t');
  });

  it('cannot be led out of the container, nor made to hang', async () => {
    await inside(`cd /root; ln -s / up; ln -s ../../../../../../../.. dots; ln -s /proc/1/root proc1; ln -s loop loop
      mkfifo fifo; ln -s /etc/berth-new dangling; echo inside > /etc/hostname`);
    for (const path of ['/root/up/etc/hostname', '/root/dots/etc/hostname', '/../../../etc/hostname'])
      assert.equal((await api('GET', path)).body.toString(), 'inside\n', path);
    assert.equal((await api('POST', '/root/dangling', {}, 'new')).status, 200);
    assert.equal(await inside('cat /etc/berth-new'), 'new');
    for (const path of [
      '/root/fifo',
      '/dev/null',
      '/root/loop/x',
      '/root/proc1/etc/hostname',
      '/proc/sys/kernel/hostname',
      '/proc/1/environ',
    ]) {
      const refused = await api('GET', path);
      assert.ok([400, 404].includes(refused.status), `${path}: ${refused.status} ${refused.body}`);
    }
    for (const path of [
      '/root/fifo',
      '/dev/full',
      '/proc/sys/kernel/core_pattern',
      '/proc/self/fd/0',
      '/proc/1/fd/1',
    ]) {
      const refused = await api('POST', path, {}, 'x');
      assert.ok([400, 404].includes(refused.status), `${path}: ${refused.status} ${refused.body}`);
    }
  });

  it('stays inside while links and folders are swapped under it', async () => {
    await inside(`mkdir -p /root/race/real && echo inside > /root/race/real/hostname
      (while [ ! -e /root/stop ]; do ln -sfn / /root/race/x; rm /root/race/x; ln -sfn ../../../../../etc /root/race/x
        rm -rf /root/race/x; mkdir /root/race/x; rmdir /root/race/x; done) >/dev/null 2>&1 </dev/null &`);
    const outside = readFileSync('/etc/machine-id', 'utf8');
    for (let tries = 0; tries < 150; tries += 1) {
      const got = await api('GET', '/root/race/x/machine-id');
      assert.notEqual(got.body.toString(), outside);
      assert.ok(got.status < 500, `${got.status} ${got.body}`);
      const put = await api('POST', '/root/race/x/berth-escape', {}, 'out');
      assert.ok(put.status < 500, `${put.status} ${put.body}`);
    }
    await inside('touch /root/stop');
    assert.throws(() => readFileSync('/etc/berth-escape'), { code: 'ENOENT' });
    assert.throws(() => readFileSync('/berth-escape'), { code: 'ENOENT' });
  });

  it('serves SFTP to lxc file mount: an upgraded connection', async () => {
    const stream = await new Promise<Duplex>((resolve, reject) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'sftp' };
      const path = '/1.0/instances/c1/sftp';
      const sent = request({ socketPath: harness.cluster.socketPath, path, headers });
      sent.once('upgrade', (_response, socket) => resolve(socket));
      sent.once('response', response => reject(new Error(`HTTP ${response.statusCode}`)));
      sent.once('error', reject);
      sent.end();
    });
    const sftp = await openSftp(stream);
    const file = await sftp.open('/root/by-sftp', OPEN.write | OPEN.create, 0o600);
    await file.write(
      (async function* () {
        yield Buffer.from('sftp');
      })(),
    );
    await file.close();
    assert.equal(await inside('cat /root/by-sftp; rm /root/by-sftp'), 'sftp');
    assert.ok((await sftp.list('/')).includes('root'));
    sftp.close();
    await sftp.closed;
  });

  it('knows the same words in berth', async () => {
    const berth = async (...args: string[]) => (await harness.berth(['file', ...args])).stdout;
    await berth('push', '-r', join(folder, 'tree'), 'c1/srv');
    assert.equal(await inside('cat /srv/tree/link'), '7');
    const back = join(folder, 'by-berth');
    await berth('pull', '-r', '-p', 'c1/srv/tree', `${back}/`);
    assert.equal(readFileSync(join(back, 'tree/sub/f19'), 'utf8'), '19');
    assert.equal(readlinkSync(join(back, 'tree/link')), 'sub/f7');
    await harness.berth(['file', 'push', '-p', '--mode', '0600', '--uid', '8', '-', 'c1/srv/x/y'], { input: 'typed' });
    assert.equal(await inside('stat -c "%a %u" /srv/x/y'), '600 8\n');
    await harness.berth(['file', 'edit', 'c1/srv/x/y'], { input: 'edited' });
    assert.equal(await berth('pull', 'c1/srv/x/y', '-'), 'edited');
    await berth('delete', 'c1/srv/x/y');
    assert.match(await harness.berthFails('file', 'pull', 'c1/srv/x/y', '-'), /no such file/);
    assert.match(await harness.berthFails('file', 'push', '--mode', '999', join(folder, 'a'), 'c1/srv/'), /--mode/);
  });

  it('works on a stopped container, and again when it runs', async () => {
    await lxc('file', 'pull', 'c1/etc/hostname', '-'); // a session that the stop must end
    await lxc('stop', '-f', 'c1');
    const file = join(folder, 'while-stopped');
    writeFileSync(file, 'stopped');
    await lxc('file', 'push', file, 'c1/root/s', '--uid', '7');
    assert.equal(await lxc('file', 'pull', 'c1/root/s', '-'), 'stopped');
    assert.equal((await api('GET', '/root/up/root/s')).body.toString(), 'stopped');
    await lxc('start', 'c1');
    assert.equal(await inside('cat /root/s; stat -c " %u" /root/s'), 'stopped 7\n');
    assert.equal(await lxc('file', 'pull', 'c1/root/s', '-'), 'stopped');
  });

  it('follows the container when it moves', async () => {
    await lxc('file', 'pull', 'c1/root/s', '-');
    const [found] = JSON.parse(await lxc('list', 'c1', '--format', 'json')) as { location: string }[];
    await lxc('move', 'c1', '--target', found!.location === 'n1' ? 'n2' : 'n1');
    assert.equal(await lxc('file', 'pull', 'c1/root/s', '-'), 'stopped');
  });
});
