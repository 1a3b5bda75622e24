/** Custom volumes by Debian's `lxc` 5.0.2: attached, filled, limited, snapshotted, copied to another host and driver. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../src/agent/command.ts';
import { type Harness, openHarness } from './harness.ts';

describe('custom volumes', { timeout: 240_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('lxc-storage');
    await harness.lxc(['launch', 'busybox', 'c1', '--target', 'n1']);
  });
  after(() => harness?.close());

  const lxc = async (line: string) => (await harness.lxc(line.split(' '))).stdout.trim();
  const volume = (line: string) => lxc(`storage volume ${line}`);
  const berth = async (line: string) => (await harness.berth(line.split(' '))).stdout.trim();
  const inside = async (name: string, script: string) =>
    (await harness.lxc(['exec', name, '--', 'sh', '-c', script])).stdout.trim();
  const fails = async (line: string, why: RegExp) => {
    const { code, stderr } = await harness.lxc(line.split(' '), { allowFailure: true });
    assert.notEqual(code, 0, `lxc ${line} should have failed`);
    assert.match(stderr, why);
  };

  it('is made where an instance uses it first, for the ids of unprivileged instances', async () => {
    await volume('create default v1 size=20MiB user.owner=me');
    assert.match(await volume('list default --format csv'), /^custom,v1,,filesystem,0,none$/m);
    await volume('attach default v1 c1 data /data');
    await lxc('restart -f c1');
    await inside('c1', 'echo hello > /data/x && chown 5:6 /data/x && chmod 4750 /data/x');
    assert.match(await volume('show default v1'), /location: n1/);
    assert.match(await volume('show default v1'), /- \/1.0\/instances\/c1/);
    assert.match(await volume('info default v1'), /Total: 20.00MiB/);
  });

  it('holds no more than its size', async () => {
    const filled = 'dd if=/dev/zero of=/data/big bs=1M count=40 2>&1; wc -c < /data/big; rm /data/big';
    assert.match(await inside('c1', filled), /quota exceeded/i);
  });

  it('goes back to a snapshot, when nobody runs with it', async () => {
    await volume('snapshot default v1 s0');
    await inside('c1', 'echo changed > /data/x');
    await fails('storage volume restore default v1 s0', /used by instance c1, which runs/);
    await lxc('stop -f c1');
    await volume('restore default v1 s0');
    await lxc('start c1');
    assert.equal(await inside('c1', 'cat /data/x; stat -c "%u %g %a" /data/x'), 'hello\n5 6 4750');
    assert.match(await volume('list default --format csv'), /^custom \(snapshot\),v1\/s0,,filesystem,0,n1$/m);
  });

  it('is copied to another host and to a pool of another driver, owners and snapshots with it', async () => {
    await lxc('storage create folders dir');
    await volume('copy default/v1 default/here');
    await volume('delete default here');
    await berth('storage volume copy default/v1 default/v2 --destination-target n2');
    await volume('unset default v1 size');
    await berth('storage volume copy default/v1 folders/v3 --destination-target n2 --volume-only');
    await lxc('launch busybox c2 --target n2');
    await volume('attach default v2 c2 /v2');
    await berth('storage volume attach folders v3 c2 disk3 /v3');
    await berth('restart -f c2');
    assert.equal(
      await inside('c2', 'cat /v2/x /v3/x; stat -c "%u %g %a" /v2/x /v3/x'),
      'hello\nhello\n5 6 4750\n5 6 4750',
    );
    assert.match(await berth('storage volume list default --format csv'), /v2\/s0,,filesystem,0,n2/);
    assert.doesNotMatch(await berth('storage volume list folders --format csv'), /v3\/s0/);
  });

  it('keeps its instance on its host, and says so', async () => {
    await fails('move c2 --target n3', /a storage volume of it lies elsewhere \("v2" is on n2, "v3" is on n2\)/);
    await fails('storage volume attach default v2 c1 /elsewhere', /lies on n2, the instance on n1/);
    await fails('launch busybox c3 --target n3 -d data,source=v1', /./);
  });

  it('is not deleted while it is used; a pool not while it has one', async () => {
    await fails('storage volume delete default v1', /still in use, e.g. by \/1.0\/instances\/c1/);
    await fails('storage delete folders', /in use/);
    await fails('storage volume move default/v1 default/moved', /still in use/);
    await volume('detach default v1 c1');
    await berth('storage volume move default/v1 folders/moved --destination-target n3');
    assert.match(await volume('list folders --format csv'), /^custom,moved,,filesystem,0,n3$/m);
    assert.match(await volume('list folders --format csv'), /moved\/s0,,filesystem,0,n3$/m);
    assert.doesNotMatch(await volume('list default --format csv'), /,v1/);
    await volume('move folders/moved default/v1');
    assert.match(await volume('list default --format csv'), /^custom,v1,,filesystem,0,n3$/m);
    await lxc('launch busybox c4 --target n3');
    await volume('attach default v1 c4 /v1');
    await lxc('restart -f c4');
    assert.equal(await inside('c4', 'cat /v1/x; stat -c "%u %g %a" /v1/x'), 'hello\n5 6 4750');
    await lxc('delete -f c4');
    await volume('rename default v1 renamed');
    await volume('delete default renamed/s0');
    await volume('delete default renamed');
    await fails('storage volume show default renamed', /not found/i);
    await lxc('delete -f c2');
    await volume('delete default v2');
    await volume('delete folders v3');
    await lxc('storage delete folders');
  });

  it('goes out in an archive with its snapshots, and comes in again under another name', async () => {
    const file = join(harness.cluster.dir, 'vol.tar.gz');
    await volume('create default out user.owner=me --target n1');
    await volume('attach default out c1 out /out');
    await inside('c1', 'echo v1 > /out/f && chown 5:6 /out/f && chmod 4750 /out/f');
    await volume('snapshot default out s0');
    await inside('c1', 'echo v2 > /out/f && chmod 4750 /out/f && ln -s /etc/passwd /out/link');
    await lxc(`storage volume export default out ${file}`);
    assert.equal(await lxc('query /1.0/storage-pools/default/volumes/custom/out/backups'), '[]');
    assert.equal((await run('tar', ['-tzf', file])).stdout.split('\n')[1], 'backup/index.yaml');
    await lxc(`storage volume import default ${file} back --target n2`);
    assert.equal(await volume('get default back user.owner'), 'me');
    await lxc('launch busybox c5 --target n2');
    await volume('attach default back c5 back /back');
    assert.equal(
      await inside('c5', 'cat /back/f; stat -c "%u %g %a" /back/f; readlink /back/link'),
      'v2\n5 6 4750\n/etc/passwd',
    );
    await lxc('stop -f c5');
    await volume('restore default back s0');
    await lxc('start c5');
    assert.equal(await inside('c5', 'cat /back/f; ls -A /back'), 'v1\nf');
    await fails(`storage volume import default ${file} back`, /already exists/);
    await fails(`import ${file}`, /storage volume import/);
    await lxc(`export c5 ${file} --instance-only`);
    await fails(`storage volume import default ${file} x`, /backup of an instance/);
    const again = join(harness.cluster.dir, 'vol.tar.zst');
    await berth(`storage volume export default out ${again} --compression zstd --volume-only`);
    await berth(`storage volume import default ${again} third --target n3`);
    assert.match(await volume('list default --format csv'), /^custom,third,,filesystem,0,n3$/m);
    assert.doesNotMatch(await volume('list default --format csv'), /third\/s0/);
    await lxc('delete -f c5');
    for (const name of ['back', 'third']) await volume(`delete default ${name}`);
  });

  it('refuses what it cannot do', async () => {
    await fails('storage volume create default b --type block', /virtual machines/);
    await fails('storage volume create default b block.filesystem=ext4', /block.filesystem/);
    await fails('storage volume create default b size=-1', /size/);
    await fails('storage volume create nothing b', /not found/i);
    await fails('config device add c1 d disk pool=default source=nothing path=/d', /no storage volume "nothing"/);
  });
});
