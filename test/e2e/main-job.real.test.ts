/** The main job as a user does it: launch on three hosts, exec, list, configure, and move while a client is connected. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertWhole, type Harness, openHarness } from './harness.ts';

interface Listed {
  readonly name: string;
  readonly status: string;
  readonly location: string;
  readonly config: Record<string, string>;
}

describe('the main job', { timeout: 240_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('main');
  });
  after(() => harness?.close());

  const locationOf = async (name: string) => (await harness.berthJson<Listed[]>('list', name))[0]!.location;
  const elsewhere = async (name: string) => {
    const here = await locationOf(name);
    return harness.cluster.hosts.map(host => host.name).find(host => host !== here)!;
  };

  it('launches six containers, eight at a time, and spreads them two, two, two', async () => {
    const names = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'];
    await Promise.all(names.map(name => harness.berth(['launch', 'busybox', name])));
    const listed = await harness.berthJson<Listed[]>('list');
    assert.deepEqual(
      listed.map(({ name, status }) => `${name} ${status}`),
      names.map(name => `${name} Running`),
    );
    const counts = Map.groupBy(listed, ({ location }) => location);
    assert.deepEqual(
      [...counts.values()].map(group => group.length),
      [2, 2, 2],
    );
  });

  it('explains where an instance is, with every host', async () => {
    const { stdout } = await harness.berth(['explain', 'c1']);
    for (const host of harness.cluster.hosts) assert.match(stdout, new RegExp(`\\b${host.name}\\b`));
  });

  it('runs commands: output, input, exit code, environment', async () => {
    assert.equal((await harness.berth(['exec', 'c1', '--', 'uname', '-n'])).stdout, 'c1\n');
    assert.equal((await harness.berth(['exec', 'c1', '--', 'cat'], { input: 'from outside' })).stdout, 'from outside');
    assert.equal((await harness.berth(['exec', 'c1', '--', 'sh', '-c', 'exit 7'], { allowFailure: true })).code, 7);
    assert.equal((await harness.berth(['exec', 'c1', '--env', 'X=1', '--', 'sh', '-c', 'echo $X'])).stdout, '1\n');
  });

  it('applies a memory limit to a running container, which sees it', async () => {
    await harness.berth(['config', 'set', 'c1', 'limits.memory', '64MiB']);
    const { stdout } = await harness.berth(['exec', 'c1', '--', 'sh', '-c', 'grep MemTotal /proc/meminfo']);
    assert.match(stdout, /MemTotal:\s+65536 kB/);
  });

  it('moves a running container with a connected client: nothing is lost, memory and limits stay', async () => {
    const address = await harness.echoServer('c2');
    await harness.berth(['config', 'set', 'c2', 'limits.memory', '128MiB']);
    const target = await elsewhere('c2');
    const pidBefore = (await harness.berth(['exec', 'c2', '--', 'pidof', 'nc'])).stdout;
    const client = await harness.echoClient(address);
    await harness.berth(['move', 'c2', '--target', target]);
    const result = await client.stop();
    assertWhole(result);
    assert.ok(result.sent > 50, `the client was busy: ${result.sent}`);
    assert.equal(await locationOf('c2'), target);
    assert.equal((await harness.berth(['exec', 'c2', '--', 'pidof', 'nc'])).stdout, pidBefore);
    const { stdout } = await harness.berth(['exec', 'c2', '--', 'sh', '-c', 'grep MemTotal /proc/meminfo']);
    assert.match(stdout, /MemTotal:\s+131072 kB/);
  });

  it('moves it back and forth with the same connection', async () => {
    const address = await harness.echoServer('c3');
    const client = await harness.echoClient(address);
    for (let i = 0; i < 3; i += 1) await harness.berth(['move', 'c3', '--target', await elsewhere('c3')]);
    assertWhole(await client.stop());
  });

  it('moves a stopped container', async () => {
    await harness.berth(['stop', 'c4', '--force']);
    const target = await elsewhere('c4');
    await harness.berth(['move', 'c4', '--target', target]);
    assert.equal(await locationOf('c4'), target);
    await harness.berth(['start', 'c4']);
    assert.equal((await harness.berth(['exec', 'c4', '--', 'echo', 'here'])).stdout, 'here\n');
  });

  it('moves by the real lxc client as well', async () => {
    const target = await elsewhere('c5');
    await harness.lxc(['move', 'c5', '--target', target]);
    assert.equal(await locationOf('c5'), target);
  });

  it('evacuates a host and restores it', async () => {
    const before = await harness.berthJson<Listed[]>('list');
    await harness.berth(['evacuate', 'n1', '--force']);
    const during = await harness.berthJson<Listed[]>('list');
    assert.deepEqual(
      during.filter(({ location }) => location === 'n1'),
      [],
    );
    assert.ok(during.every(({ status }) => status === 'Running'));
    await harness.berth(['restore', 'n1', '--force']);
    const after = await harness.berthJson<Listed[]>('list');
    assert.deepEqual(
      after.map(({ name, location }) => `${name} ${location}`),
      before.map(({ name, location }) => `${name} ${location}`),
    );
  });

  it('deletes, and leaves nothing on the hosts', async () => {
    const names = (await harness.berthJson<Listed[]>('list')).map(({ name }) => name);
    await Promise.all(names.map(name => harness.berth(['delete', name, '--force'])));
    assert.deepEqual(await harness.berthJson<Listed[]>('list'), []);
    for (const { name } of harness.cluster.hosts) {
      const { stdout } = await harness.cluster.exec(name, ['ip', '-o', 'link', 'show', 'type', 'veth']);
      assert.doesNotMatch(stdout, /^\d+: v[0-9a-f]{8}/m, `veths of ${name}`);
    }
  });
});
