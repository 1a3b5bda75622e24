/** Snapshots and kept states on real containers, pools and CRIU, through an agent's own verbs. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { POOL_DRIVERS } from '../../domain/storage-pool.ts';
import type { InstanceSpecSchema } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { run } from '../command.ts';
import { makeBusyboxRoot } from '../testing/busybox-root.ts';
import { eventually } from '../testing/eventually.ts';
import { inOwnHost } from '../testing/own-host.ts';
import { startTestAgent, type TestAgent } from '../testing/test-agent.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-snap-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

/** Counts in its memory, ten times a second; the file only shows it. */
const COUNTER = `#!/bin/sh
n=0; echo start >>/tmp/starts
while :; do n=$((n + 1)); echo $n >/tmp/count; sleep 0.1; done
`;

for (const driver of POOL_DRIVERS) {
  describe(`snapshots on ${driver}`, { timeout: 120_000 }, () => {
    const id = randomUUID();
    const ref = { id, generation: 1n };
    const spec = {
      id,
      generation: 1n,
      name: 'c1',
      project: 'default',
      config: {
        'limits.memory': '64MiB',
        'volatile.eth0.hwaddr': '00:16:3e:00:00:02',
        'volatile.eth0.ipv4.address': '198.18.203.5',
        'volatile.eth0.ipv4.prefix': '24',
      },
      devices: {
        root: { options: { type: 'disk', path: '/', pool: 'pool' } },
        eth0: { options: { type: 'nic', network: 'snapbr' } },
      },
    } satisfies MessageInitShape<typeof InstanceSpecSchema>;
    let agent: TestAgent;
    let root: string;

    before(async () => {
      await run('ip', ['link', 'add', 'snapbr', 'address', '02:00:00:00:00:03', 'type', 'bridge']);
      await run('ip', ['addr', 'add', '198.18.203.1/24', 'dev', 'snapbr']);
      await run('ip', ['link', 'set', 'snapbr', 'up']);
      agent = await startTestAgent(PREFIX, 'snapbr');
      await agent.client.ensurePool({ name: 'pool', driver, config: driver === 'btrfs' ? { size: '300MiB' } : {} });
      await make(spec);
      root = await agent.rootOf(id);
      await makeBusyboxRoot(root, 1_000_000);
      await writeFile(join(root, 'bin/counter'), COUNTER, { mode: 0o755 });
      await writeFile(join(root, 'etc/inittab'), '::respawn:/bin/counter\n');
      await setState('running');
      await counted(0);
    });
    after(async () => {
      await agent?.client.ensureNoInstance({ ref });
      await agent?.close();
      await run('ip', ['link', 'delete', 'snapbr']);
    });

    const make = async (wanted: typeof spec, more: object = {}) => {
      for await (const { done } of agent.client.ensureInstance({ spec: wanted, ...more })) if (done) return;
    };
    const setState = (state: string, more: object = {}) =>
      agent.client.ensureState({ ref, state, force: true, timeoutMs: -1n, spec, ...more }, { timeoutMs: 60_000 });
    const snapshotRef = (snapshot: string) => ({ instance: ref, snapshot });
    const count = async () => Number(await readFile(join(root, 'tmp/count'), 'utf8'));
    /** How often the counter was started anew. */
    const starts = async () => (await readFile(join(root, 'tmp/starts'), 'utf8')).trim().split('\n').length;
    /** Resolves when it has counted past a number, in its memory. */
    const counted = (past: number) => eventually(async () => assert.ok((await count()) > past));
    const note = (text: string) => writeFile(join(root, 'etc/note'), text);
    const noted = () => readFile(join(root, 'etc/note'), 'utf8');
    const state = async () => (await agent.client.getInstanceState(ref)).status?.state;

    it('takes one of a running instance, which goes on', async () => {
      const snapshot = randomUUID();
      await note('then');
      const before = await count();
      await agent.client.ensureSnapshot({ ref: snapshotRef(snapshot) });
      await agent.client.ensureSnapshot({ ref: snapshotRef(snapshot) });
      await counted(before + 2);
      await note('now');
      await assert.rejects(agent.client.restoreSnapshot({ ref: snapshotRef(snapshot) }), /runs: stop it first/);
      await setState('stopped');
      const replaced = randomUUID();
      for (let i = 0; i < 2; i += 1) await agent.client.restoreSnapshot({ ref: snapshotRef(snapshot), replaced });
      assert.equal(await noted(), 'then');
      await agent.client.restoreSnapshot({ ref: snapshotRef(replaced) });
      assert.equal(await noted(), 'now');
      for (const each of [snapshot, replaced, snapshot]) await agent.client.ensureNoSnapshot(snapshotRef(each));
      await assert.rejects(agent.client.restoreSnapshot({ ref: snapshotRef(snapshot) }), { code: 'not-found' });
      await setState('running');
      await counted(0);
    });

    it('stops with memory and processes, and goes on with them', async () => {
      await counted(10);
      await setState('stopped', { stateful: true });
      await setState('stopped', { stateful: true });
      const before = await count();
      assert.equal(await state(), 'stopped');
      assert.ok(existsSync(join(agent.data, 'states', id, 'stopped')));
      await agent.killAndRestart();
      await setState('running', { stateful: true });
      await setState('running', { stateful: true });
      await counted(before + 2);
      assert.ok((await count()) < before + 100, 'it counted on, it was not started anew');
      await run('ping', ['-c', '1', '-W', '2', '198.18.203.5']);
      assert.deepEqual(await readdir(join(agent.data, 'states', id)), [], 'what was used is gone');
    });

    it('starts afresh without the state, which is gone then', async () => {
      await counted(5);
      await setState('stopped', { stateful: true });
      const before = await starts();
      await setState('running');
      await eventually(async () => assert.equal(await starts(), before + 1));
      assert.deepEqual(await readdir(join(agent.data, 'states', id)), []);
      await assert.rejects(
        (async () => {
          await setState('stopped');
          await setState('running', { stateful: true });
        })(),
        /has no saved state/,
      );
      await setState('running');
      await counted(0);
    });

    it('snapshots memory and processes with the disk, more than once, and restores them', async () => {
      const snapshot = randomUUID();
      await note('then');
      await counted(20);
      const made = await agent.client.ensureSnapshot({ ref: snapshotRef(snapshot), stateful: true });
      assert.ok(made.stateBytes > 10_000n && made.pauseMs > 0 && made.pauseMs < 3000);
      const then = await count();
      await counted(then + 20);
      assert.equal(await state(), 'running');
      await run('ping', ['-c', '1', '-W', '2', '198.18.203.5']);
      for (let i = 0; i < 2; i += 1) {
        await note('now');
        await setState('stopped');
        await agent.client.restoreSnapshot({ ref: snapshotRef(snapshot), stateful: true });
        await setState('running', { stateful: true });
        await counted(then + 1);
        assert.ok((await count()) < then + 15, 'it counts on from where the snapshot was taken');
        assert.equal(await noted(), 'then');
      }
      await agent.client.ensureNoSnapshot(snapshotRef(snapshot));
      assert.deepEqual(await readdir(join(agent.data, 'states', id)), []);
    });

    it('keeps the state when a restore fails, and says why', async () => {
      await setState('stopped', { stateful: true });
      const stopped = join(agent.data, 'states', id, 'stopped');
      const pages = await readFile(join(stopped, 'core-1.img'));
      await writeFile(join(stopped, 'core-1.img'), pages.subarray(0, 100));
      await assert.rejects(setState('running', { stateful: true }), /restoring the container failed: .*core-1/);
      assert.equal(await state(), 'stopped');
      await writeFile(join(stopped, 'core-1.img'), pages);
      await setState('running', { stateful: true });
      await counted(await count());
    });

    it('lets it run on when the agent dies over a dump', async () => {
      const snapshot = randomUUID();
      const before = await count();
      const dump = agent.client.ensureSnapshot({ ref: snapshotRef(snapshot), stateful: true }).catch(() => {});
      await eventually(() => assert.ok(existsSync(join(agent.data, 'states', id, '.dump', 'pid'))));
      await agent.killAndRestart();
      await dump;
      await counted(before + 2);
      assert.equal(await state(), 'running');
      await agent.client.ensureSnapshot({ ref: snapshotRef(snapshot), stateful: true });
      await agent.client.ensureNoSnapshot(snapshotRef(snapshot));
    });

    it('copies it as it is, with snapshots, and from a snapshot', async () => {
      const snapshot = randomUUID();
      await note('then');
      await agent.client.ensureSnapshot({ ref: snapshotRef(snapshot) });
      await note('now');
      const copies = [
        { instance: id, snapshots: { [snapshot]: randomUUID() } },
        { instance: id, snapshot },
      ];
      const found: string[] = [];
      for (const copy of copies) {
        const other = { ...spec, id: randomUUID(), name: 'c2' };
        await make(other, { copy });
        found.push(await readFile(join(await agent.rootOf(other.id), 'etc/note'), 'utf8'));
        await agent.client.ensureNoInstance({ ref: { id: other.id, generation: 1n } });
      }
      assert.deepEqual(found, ['now', 'then']);
      assert.equal(await state(), 'running');
      await agent.client.ensureNoSnapshot(snapshotRef(snapshot));
    });
  });
}
