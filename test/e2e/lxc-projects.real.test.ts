/** Projects with Debian's own `lxc` 5.0.2 and with `berth`, and a restricted client over HTTPS. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../src/agent/command.ts';
import { type Harness, openHarness } from './harness.ts';

describe('projects', { timeout: 240_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('projects');
  });
  after(() => harness?.close());
  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout;
  const berth = async (...args: string[]) => (await harness.berth(args)).stdout;

  it('two of them have running instances of the same name', async () => {
    await lxc('project', 'create', 'p1', '-c', 'features.images=false', '-c', 'features.profiles=false');
    await lxc('launch', 'busybox', 'c1');
    await lxc('launch', 'busybox', 'c1', '--project', 'p1');
    const all = await lxc('list', '--all-projects', '--format', 'csv', '-c', 'ens');
    assert.deepEqual(all.trim().split('\n').toSorted(), ['default,c1,RUNNING', 'p1,c1,RUNNING']);
    await lxc('exec', 'c1', '--project', 'p1', '--', 'touch', '/root/mine');
    const ls = (project: string) => lxc('exec', 'c1', '--project', project, '--', 'ls', '/root');
    assert.deepEqual([await ls('p1'), await ls('default')], ['mine\n', '']);
    assert.match(await lxc('project', 'show', 'p1'), /\/1\.0\/instances\/c1\?project=p1/);
    assert.match(await lxc('profile', 'show', 'default'), /\/1\.0\/instances\/c1\?project=p1/);
  });

  it('moves in its project to another host while it runs', async () => {
    const where = async () => (await lxc('list', 'c1', '--project', 'p1', '--format', 'csv', '-c', 'L')).trim();
    const target = (await where()) === 'n1' ? 'n2' : 'n1';
    await lxc('move', 'c1', '--target', target, '--project', 'p1');
    assert.equal(await where(), target);
    assert.equal(await lxc('exec', 'c1', '--project', 'p1', '--', 'ls', '/root'), 'mine\n');
  });

  it('is all that a client restricted to it sees and changes', async () => {
    const conf = join(harness.cluster.dir, 'cli', 'restricted');
    mkdirSync(conf, { recursive: true });
    const remote = (...args: string[]) =>
      run('lxc', args, { env: { LXD_CONF: conf, HOME: conf }, timeoutMs: 60_000, allowFailure: true });
    const added = await lxc('config', 'trust', 'add', '--name', 'tenant', '--restricted', '--projects', 'p1');
    const joined = await remote('remote', 'add', 'cluster', added.trim().split('\n').at(-1)!);
    assert.equal(joined.code, 0, joined.stderr);
    const seen = await remote('list', 'cluster:', '--all-projects', '--format', 'csv', '-c', 'en');
    assert.equal(seen.stdout, 'p1,c1\n', seen.stderr);
    assert.equal((await remote('exec', 'cluster:c1', '--project', 'p1', '--', 'true')).code, 0);
    assert.match((await remote('list', 'cluster:', '--project', 'default')).stderr, /not authorized/);
    assert.match((await remote('project', 'create', 'cluster:p2')).stderr, /not authorized/);
    assert.match((await remote('config', 'set', 'cluster:', 'user.x=1')).stderr, /not authorized/);
  });

  it('is edited, emptied, renamed and deleted, also with berth', async () => {
    await lxc('project', 'set', 'p1', 'user.owner=me');
    assert.equal(await berth('project', 'get', 'p1', 'user.owner'), 'me\n');
    assert.match(await harness.berthFails('project', 'delete', 'p1'), /Only empty projects/);
    assert.match(await harness.berthFails('project', 'set', 'p1', 'limits.instances=0'), /limits\.instances/);
    await lxc('project', 'set', 'p1', 'limits.instances=1', 'restricted=true');
    const second = await harness.lxc(['launch', 'busybox', 'c2', '--project', 'p1'], { allowFailure: true });
    assert.match(second.stderr, /"p1" allows limits\.instances 1: this would make it 2/);
    const nested = await harness.lxc(['config', 'set', 'c1', 'security.nesting=true', '--project', 'p1'], {
      allowFailure: true,
    });
    assert.match(nested.stderr, /restricted\.containers\.nesting/);
    assert.match(await lxc('project', 'info', 'p1'), /INSTANCES +\| 1 +\| 1 /);
    await lxc('delete', '-f', 'c1', '--project', 'p1');
    await lxc('project', 'rename', 'p1', 'p2');
    assert.match(await berth('project', 'list', '--format', 'csv'), /^p2,NO,NO,YES,NO,/m);
    await berth('project', 'delete', 'p2');
    await berth('project', 'create', 'p3', '-c', 'features.profiles=false');
    await lxc('project', 'delete', 'p3');
    await lxc('delete', '-f', 'c1');
    assert.equal((await lxc('project', 'list', '--format', 'csv')).split('\n').filter(Boolean).length, 1);
  });
});
