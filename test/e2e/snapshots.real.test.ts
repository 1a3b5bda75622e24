/** Snapshots, stateful stops and copies as people do them with Debian's own `lxc` 5.0.2, on real containers and CRIU. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Harness, openHarness } from './harness.ts';

/** Counts in its memory, ten times a second; the file only shows it. */
const COUNTER = `cat >/bin/counter <<'EOF'
#!/bin/sh
n=0
while :; do n=$((n + 1)); echo $n >/tmp/next; mv /tmp/next /tmp/count; sleep 0.1; done
EOF
chmod +x /bin/counter; echo ::respawn:/bin/counter >>/etc/inittab; kill -HUP 1`;

describe('snapshots with the lxc client', { timeout: 240_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('snapshots', { hosts: 2 });
    await lxc('launch', 'busybox', 'c1', '--target', 'n1');
    await sh('c1', COUNTER);
    await counted('c1', 3);
  });
  after(() => harness?.close());

  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout;
  const lxcFails = async (...args: string[]) => {
    const { code, stderr } = await harness.lxc(args, { allowFailure: true });
    assert.notEqual(code, 0, `lxc ${args.join(' ')} should have failed`);
    return stderr.trim();
  };
  const sh = (name: string, script: string) => lxc('exec', name, '--', 'sh', '-c', script);
  const count = async (name: string) => Number(await sh(name, 'cat /tmp/count 2>/dev/null || echo 0'));
  /** Resolves when it has counted so far. */
  const counted = async (name: string, to: number) => {
    const end = performance.now() + 10_000;
    while ((await count(name)) < to) assert.ok(performance.now() < end, `${name} counts to ${to}`);
  };
  const column = async (name: string, columns: string) =>
    (await lxc('list', `^${name}$`, '--format', 'csv', '-c', columns)).trim();

  it('makes them, names them, shows them', async () => {
    await sh('c1', 'echo then >/etc/note');
    await lxc('snapshot', 'c1');
    await lxc('snapshot', 'c1', 'mine');
    assert.match(await lxc('info', 'c1'), /snap0 .*\n.*\n\| mine +\| .* NO/);
    assert.equal(await column('c1', 'nS'), 'c1,2');
    assert.match(await lxc('config', 'show', 'c1/mine'), /volatile.base_image/);
    assert.match(await lxcFails('snapshot', 'c1', 'mine'), /already exists/);
    await lxc('snapshot', 'c1', 'mine', '--reuse');
    assert.match(await lxcFails('snapshot', 'c1', 'a b'), /Invalid snapshot name/);
  });

  it('puts a running instance back, and it runs again', async () => {
    await sh('c1', 'echo now >/etc/note');
    await lxc('config', 'set', 'c1', 'user.note', 'now');
    await lxc('restore', 'c1', 'mine');
    assert.equal(await sh('c1', 'cat /etc/note'), 'then\n');
    assert.equal(await lxc('config', 'get', 'c1', 'user.note'), '\n');
    assert.equal(await column('c1', 's'), 'RUNNING');
    assert.match(await lxcFails('restore', 'c1', 'none'), /not found/);
  });

  it('renames and deletes', async () => {
    await lxc('move', 'c1/snap0', 'c1/first');
    await lxc('delete', 'c1/mine');
    assert.equal(await column('c1', 'S'), '1');
    assert.match(await lxcFails('delete', 'c1/mine'), /not found/);
  });

  it('stops with memory and processes, and goes on with them', async () => {
    await counted('c1', 5);
    const before = await count('c1');
    await lxc('stop', 'c1', '--stateful');
    assert.equal(await column('c1', 's'), 'STOPPED');
    assert.match(await lxc('query', '/1.0/instances/c1'), /"stateful": true/);
    await lxc('start', 'c1');
    const after = await count('c1');
    assert.ok(after >= before && after < before + 100, `${before} before, ${after} after`);
    await counted('c1', after + 2);
    assert.match(await lxc('query', '/1.0/instances/c1'), /"stateful": false/);
  });

  it('takes a stateful one while it runs, and puts it back on another host', async () => {
    await sh('c1', 'echo then >/etc/note');
    await lxc('snapshot', 'c1', 'alive', '--stateful');
    const then = await count('c1');
    assert.match(await lxc('info', 'c1'), /\| alive +\| .* YES/);
    await sh('c1', 'echo now >/etc/note');
    await counted('c1', then + 10);
    await lxc('move', 'c1', '--target', 'n2');
    assert.equal(await column('c1', 'sSL'), 'RUNNING,2,n2');
    await lxc('restore', 'c1', 'alive', '--stateful');
    const back = await count('c1');
    assert.ok(back < then + 10, `${then} then, ${back} when it was back`);
    assert.equal(await sh('c1', 'cat /etc/note'), 'then\n');
    await counted('c1', back + 2);
    assert.match(await lxcFails('restore', 'c1', 'first', '--stateful'), /no memory and processes/);
  });

  it('moves with the state that a stop has kept', async () => {
    const before = await count('c1');
    await lxc('stop', 'c1', '--stateful');
    await lxc('move', 'c1', '--target', 'n1');
    assert.equal(await column('c1', 'sSL'), 'STOPPED,2,n1');
    await lxc('start', 'c1');
    const after = await count('c1');
    assert.ok(after >= before && after < before + 100, `${before} before, ${after} after`);
    await lxc('restore', 'c1', 'first');
    assert.equal(await column('c1', 's'), 'RUNNING');
  });

  it('copies an instance with its snapshots, and a snapshot, here and elsewhere', async () => {
    await sh('c1', 'echo live >/etc/note');
    await lxc('copy', 'c1', 'c2');
    await lxc('copy', 'c1/first', 'c3', '--target', 'n2');
    assert.equal(await column('c2', 'sSL'), 'STOPPED,2,n1');
    assert.equal(await column('c3', 'sSL'), 'STOPPED,0,n2');
    await lxc('start', 'c2', 'c3');
    assert.equal(await sh('c2', 'cat /etc/note; hostname'), 'live\nc2\n');
    assert.equal(await sh('c3', 'cat /etc/note; hostname'), 'then\nc3\n');
    await lxc('restore', 'c2', 'alive');
    assert.equal(await sh('c2', 'cat /etc/note'), 'then\n');
    const addresses = await lxc('list', '--format', 'csv', '-c', '4');
    assert.equal(new Set(addresses.trim().split('\n')).size, 3, addresses);
  });

  it('goes with the instance', async () => {
    await lxc('delete', '-f', 'c1', 'c2', 'c3');
    for (const host of ['n1', 'n2'])
      assert.deepEqual(
        readdirSync(join(harness.cluster.dir, 'hosts', host, 'states')),
        [],
        `no state is left on ${host}`,
      );
  });
});
