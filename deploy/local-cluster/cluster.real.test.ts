import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, start } from '../../src/agent/command.ts';
import type { Cluster } from './cluster.ts';
import { openCluster } from './cluster.ts';
import { layoutOf } from './layout.ts';
import { namespacesOf } from './network.ts';
import { isAlive, processesOf } from './process.ts';
import { removeLeftovers } from './remove.ts';
import { listSlots } from './slot.ts';
import { type ClusterOptions, startCluster } from './start-cluster.ts';

const standIn = [process.execPath, fileURLToPath(import.meta.resolve('./stand-in.ts'))];
const programs = { controller: [...standIn, 'controller'], agent: standIn };
const base = mkdtempSync(join(tmpdir(), 'berth-cluster-test.'));
const up = (name: string, options: Partial<ClusterOptions> = {}) =>
  startCluster({ dir: join(base, name), hosts: 2, programs, ...options });

/** What there may not be once a slot's cluster is gone. */
async function assertNothingLeft(slot: number, dir: string): Promise<void> {
  const layout = layoutOf(slot);
  assert.deepEqual(namespacesOf(layout), []);
  assert.deepEqual(processesOf(slot, []), []);
  assert.ok(!(await run('ip', ['-o', 'link'])).stdout.includes(`${layout.uplink}@`), 'the uplink is left');
  assert.ok(!(await run('losetup', ['-a'])).stdout.includes(dir), 'a loop device is left');
  assert.ok(
    !(await run('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', layout.cgroup])).stdout,
    'a cgroup is left',
  );
  assert.ok(!readFileSync('/proc/mounts', 'utf8').includes(dir), 'a mount is left');
  assert.ok(!existsSync(dir), 'the folder is left');
  assert.ok(!listSlots().some(record => record.slot === slot), 'the slot is taken');
}

describe('a local cluster', () => {
  const clusters: Cluster[] = [];
  after(async () => {
    await Promise.all(clusters.map(cluster => cluster.stop()));
    rmSync(base, { recursive: true, force: true });
  });

  test('comes up, works, survives kills of its parts, and leaves nothing behind', async () => {
    const cluster = await up('one', { etcdMembers: 3 });
    clusters.push(cluster);
    const { layout } = cluster;
    const [n1, n2] = cluster.hosts;

    // the network: host to host, client to host, this machine to host
    await cluster.exec('n1', ['ping', '-c1', '-W2', n2!.address]);
    await cluster.exec('client', ['ping', '-c1', '-W2', n1!.address]);
    await run('ping', ['-c1', '-W2', n2!.address]);
    const link = (await cluster.exec('n1', ['ip', '-o', 'link', 'show', 'berthbr0'])).stdout;
    assert.match(link, new RegExp(n1!.bridgeMac));

    // the host's own view: its /sys, its /run, the cgroups, its pool, its lxcfs
    assert.ok((await cluster.exec('n1', ['ls', '/sys/class/net'])).stdout.includes('berthbr0'));
    assert.ok((await cluster.exec('n1', ['ls', '/sys/fs/cgroup'])).stdout.trim().length > 0);
    assert.equal((await cluster.exec('n1', ['stat', '-f', '-c', '%T', '/run/berth/pools/default'])).stdout, 'btrfs\n');
    assert.match((await cluster.exec('n2', ['cat', '/run/berth/lxcfs/proc/meminfo'])).stdout, /^MemTotal:/);
    assert.equal((await cluster.exec('n1', ['stat', '-c', '%a', '/run/berth'])).stdout, '711\n');

    // the API got its defaults
    const told = readFileSync(join(cluster.dir, 'controller', 'told'), 'utf8');
    assert.match(told, /POST \/1\.0\/storage-pools .*"driver":"btrfs"/);
    assert.ok(told.includes(`"ipv4.address":"${layout.gateway}/20"`));
    assert.match(told, /PUT \/1\.0\/profiles\/default .*"network":"berthbr0"/);
    assert.equal(readFileSync(join(cluster.hostDir('n2'), 'joined'), 'utf8'), `n2 ${n2!.address}:8444`);

    // another process can go on with it, and every part comes back after kill -9
    const again = openCluster(cluster.dir);
    for (const id of [again.state.controller!, again.state.agents.n1!, again.state.etcd[2]!]) assert.ok(isAlive(id));
    await again.killController();
    await again.killAgent('n1');
    await again.killEtcd(2);
    for (const id of [again.state.controller!, again.state.agents.n1!, again.state.etcd[2]!]) assert.ok(!isAlive(id));
    await Promise.all([again.startController(), again.startAgent('n1'), again.startEtcd(2)]);
    await again.online();

    // a container-like process in a frozen cgroup of ours, and one in a namespace, do not stop the removal
    const freezer = '/sys/fs/cgroup/freezer';
    const frozen = start('sleep', ['1000'], { stdio: 'ignore' });
    if (existsSync(freezer)) {
      await run('mkdir', ['-p', `${freezer}/${n1!.cgroup}/lxc.payload.x`]);
      writeFileSync(`${freezer}/${n1!.cgroup}/lxc.payload.x/cgroup.procs`, String(frozen.pid));
      writeFileSync(`${freezer}/${n1!.cgroup}/freezer.state`, 'FROZEN');
    } else {
      frozen.kill('SIGKILL');
    }
    await again.stop();
    await frozen.exited;
    await assertNothingLeft(layout.slot, cluster.dir);
  });

  test('stands beside another one, with a pool of plain folders', async () => {
    const [a, b] = await Promise.all([up('a', { storage: 'dir', hosts: 1 }), up('b', { storage: 'dir', hosts: 1 })]);
    clusters.push(a, b);
    assert.notEqual(a.layout.slot, b.layout.slot);
    await assert.rejects(up('a'), /a cluster runs in .* already/);
    await a.stop();
    await b.exec('client', ['ping', '-c1', '-W2', b.hosts[0]!.address]);
    await b.stop();
    await assertNothingLeft(a.layout.slot, a.dir);
    await assertNothingLeft(b.layout.slot, b.dir);
  });

  test('says why it does not come up, and leaves nothing behind', async () => {
    const dir = join(base, 'broken');
    const broken = { ...programs, agent: [process.execPath, '-e', 'console.error("no such luck"); process.exit(3)'] };
    await assert.rejects(up('broken', { programs: broken, hosts: 1, storage: 'dir' }), /no such luck/);
    assert.ok(!existsSync(dir));
    assert.ok(!listSlots().some(record => record.dir === dir));
    await assert.rejects(up('foreign', { dir: import.meta.dirname }), /files that are not a local cluster's/);
    assert.ok(readdirSync(import.meta.dirname).includes('cluster.ts'));
  });

  test('whose owner was killed is found by clean, also half-way up', async () => {
    const dir = join(base, 'crashed');
    const program = `
      import { startCluster } from ${JSON.stringify(join(import.meta.dirname, 'start-cluster.ts'))};
      const options = ${JSON.stringify({ dir, hosts: 1, programs })};
      await startCluster({ ...options, say: line => console.log(line) });`;
    const owner = start(process.execPath, ['--input-type=module', '-e', program]);
    for await (const chunk of owner.stdout) if (String(chunk).includes('joining')) break;
    owner.kill('SIGKILL');
    await owner.exited;
    const record = listSlots().find(each => each.dir === dir)!;
    assert.deepEqual(
      (await removeLeftovers(false)).filter(line => line.includes(dir)),
      [`cluster in ${dir}`],
    );
    await assertNothingLeft(record.slot, dir);
  });
});
