import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AppError } from '../domain/errors.ts';
import { AGENT_SERVICES } from '../rpc/agent-services.ts';
import { dial } from '../rpc/data/dial.ts';
import type { InstanceSpecSchema, Observation } from '../rpc/gen/berth/agent/v1/agent_pb.ts';
import { run } from './command.ts';
import { makeBusyboxRoot } from './testing/busybox-root.ts';
import { eventually } from './testing/eventually.ts';
import { execIn } from './testing/exec-in.ts';
import { inOwnHost } from './testing/own-host.ts';
import { startTestAgent, type TestAgent } from './testing/test-agent.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-agent-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

const id = '22222222-2222-4222-8222-222222222222';
const imageId = '44444444-4444-4444-8444-444444444444';
const ref = { id, generation: 1n };
const spec = {
  id,
  generation: 1n,
  name: 'c1',
  project: 'default',
  config: {
    'limits.memory': '64MiB',
    'environment.GREETING': 'hello world',
    'volatile.eth0.hwaddr': '00:16:3e:00:00:02',
    'volatile.eth0.ipv4.address': '198.18.201.5',
    'volatile.eth0.ipv4.prefix': '24',
    'volatile.eth0.ipv4.gateway': '198.18.201.1',
  },
  devices: {
    root: { options: { type: 'disk', path: '/', pool: 'default' } },
    eth0: { options: { type: 'nic', network: 'testbr1' } },
  },
} satisfies MessageInitShape<typeof InstanceSpecSchema>;

describe('agent', () => {
  let agent: TestAgent;
  const cgroup = (file: string) => readFile(`/sys/fs/cgroup/memory/${PREFIX}/lxc.payload.${id}/${file}`, 'utf8');

  before(async () => {
    await run('ip', ['link', 'add', 'testbr1', 'address', '02:00:00:00:00:02', 'type', 'bridge']);
    await run('ip', ['addr', 'add', '198.18.201.1/24', 'dev', 'testbr1']);
    await run('ip', ['link', 'set', 'testbr1', 'up']);
    agent = await startTestAgent(PREFIX, 'testbr1');
  });
  after(() => agent.close());

  const ensureInstance = async (change: MessageInitShape<typeof InstanceSpecSchema> = {}) => {
    for await (const progress of agent.client.ensureInstance({ spec: { ...spec, ...change } }))
      if (progress.done) return;
    assert.fail('no end');
  };
  const setState = (state: string, more: object = {}) =>
    agent.client.ensureState({ ref, state, timeoutMs: -1n, ...more });

  it('describes its host', async () => {
    await agent.client.ensurePool({ name: 'default', driver: 'dir' });
    await agent.client.ensureNetwork({ name: 'testbr1', type: 'bridge' });
    const host = await agent.client.getHost({});
    assert.equal(host.node, 'n1');
    assert.equal(host.architecture, 'x86_64');
    assert.match(host.lxcVersion, /^\d+\.\d+/);
    assert.deepEqual(
      host.pools.map(pool => pool.name),
      ['default'],
    );
    assert.deepEqual(host.networks, ['testbr1']);
    assert.ok(host.cpus > 0 && host.memoryBytes > 0n && host.bootId !== '');
  });

  it('examines its host in words', async () => {
    const { checks } = await agent.client.examine({});
    assert.ok(checks.length >= 10);
    for (const { name, status, detail, advice } of checks) {
      assert.match(status, /^(ok|warn|fail)$/);
      assert.ok(detail !== '', `${name} says something`);
      assert.equal(advice === '', status === 'ok', `${name}: advice exactly when something is wrong`);
    }
    assert.equal(checks.find(check => check.name === 'lxc')?.status, 'ok');
  });

  it('makes pools and networks, says what is wrong with them, and takes them away', async () => {
    const size = { size: '200MiB' };
    const pool = await agent.client.ensurePool({ name: 'fast', driver: 'btrfs', config: size });
    assert.equal(pool.totalBytes, 200n * 2n ** 20n);
    await agent.client.ensurePool({ name: 'fast', driver: 'btrfs', config: size });
    await assert.rejects(
      agent.client.ensurePool({ name: 'fast', driver: 'dir' }),
      (e: AppError) => e.code === 'exists',
    );
    await assert.rejects(agent.client.ensurePool({ name: 'x', driver: 'zfs' }), /"zfs" is not supported/);
    await assert.rejects(
      agent.client.ensurePool({ name: 'x', driver: 'dir', config: { source: '/no/where' } }),
      /\/no\/where is not a folder/,
    );
    await agent.client.ensureNoPool({ name: 'fast' });
    await assert.rejects(
      agent.client.ensureNoPool({ name: 'default' }).then(() => ensureInstance()),
      /no storage pool/,
    );
    await agent.client.ensurePool({ name: 'default', driver: 'dir' });

    const config = { 'ipv4.address': '198.18.202.1/24', 'bridge.mtu': '1400', 'ipv4.nat': 'true' };
    await agent.client.ensureNetwork({ name: 'made0', type: 'bridge', config });
    await agent.client.ensureNetwork({ name: 'made0', type: 'bridge', config });
    const { stdout } = await run('ip', ['-br', 'address', 'show', 'made0']);
    assert.match(stdout, /^made0 .* 198\.18\.202\.1\/24/);
    await assert.rejects(
      agent.client.ensureNetwork({ name: 'made1', type: 'bridge', config: { 'ipv4.address': 'x y' } }),
    );
    await agent.client.ensureNoNetwork({ name: 'made0' });
    const { stdout: links } = await run('ip', ['-br', 'link']);
    assert.doesNotMatch(links, /made/);
    assert.doesNotMatch((await run('nft', ['list', 'tables'])).stdout, /berth/);
    assert.match(links, /testbr1/);
  });

  it('makes an instance, twice the same, and refuses a bad one without leaving anything', async () => {
    await ensureInstance();
    await ensureInstance();
    await makeBusyboxRoot(await agent.rootOf(id), 1_000_000);
    const other = '33333333-3333-4333-8333-333333333333';
    const bad = { ...spec, id: other, image: 'f'.repeat(64) };
    await assert.rejects(ensureInstance(bad), (e: AppError) => e.code === 'not-found');
    assert.equal((await run('find', [agent.data, '-name', `*${other}*`])).stdout, '');
  });

  it('starts, freezes, thaws, restarts and stops, and says each state once', async () => {
    assert.equal((await setState('running')).state, 'running');
    assert.equal((await setState('running')).state, 'running');
    await run('ping', ['-c', '1', '-W', '2', '198.18.201.5']);
    assert.equal((await setState('frozen')).state, 'frozen');
    assert.equal((await setState('running')).state, 'running');
    const before = performance.now();
    assert.equal((await setState('stopped', { force: true })).state, 'stopped');
    assert.ok(performance.now() - before < 150, 'a forced stop is quick');
    assert.equal((await setState('frozen')).state, 'frozen');
    assert.equal((await setState('running')).state, 'running');
  });

  it('tells what an instance uses', async () => {
    const state = await agent.client.getInstanceState(ref);
    assert.equal(state.status?.state, 'running');
    assert.ok(state.memoryBytes > 0n && state.processes >= 2 && state.diskBytes.root! > 0n);
    const { eth0, lo } = state.nics;
    assert.deepEqual(
      eth0!.addresses
        .filter(each => each.family === 'inet')
        .map(each => `${each.address}/${each.netmask} ${each.scope}`),
      ['198.18.201.5/24 global'],
    );
    assert.equal(eth0!.hwaddr, '00:16:3e:00:00:02');
    assert.equal(eth0!.state, 'up');
    assert.equal(eth0!.mtu, 1500);
    assert.ok(eth0!.packetsReceived > 0n);
    assert.deepEqual(
      lo!.addresses.map(each => each.address),
      ['127.0.0.1', '::1'],
    );
  });

  it('changes limits while it runs, up and down', async () => {
    const config = { ...spec.config, 'limits.memory': '128MiB', 'limits.processes': '40', 'limits.cpu': '1' };
    await agent.client.ensureConfig({ spec: { ...spec, config } });
    assert.equal((await cgroup('memory.limit_in_bytes')).trim(), String(128 * 2 ** 20));
    const { stdout, code } = await execIn(agent.client, {
      ref,
      command: ['sh', '-c', 'for i in $(seq 60); do sleep 5 & done; wait'],
    });
    assert.notEqual(`${stdout}${code}`, '0', 'the fork bomb hits the limit');
    await agent.client.ensureConfig({ spec });
    assert.equal((await cgroup('memory.limit_in_bytes')).trim(), String(64 * 2 ** 20));
    await assert.rejects(
      agent.client.ensureConfig({ spec: { ...spec, config: { ...spec.config, 'limits.cpu': '7-9' } } }),
      /limits\.cpu asks for CPU/,
    );
  });

  it('reports what happens behind its back within two seconds', async () => {
    const abort = new AbortController();
    const seen: Observation[] = [];
    const stream = (async () => {
      for await (const observation of agent.client.observe({ heartbeatMs: 200 }, { signal: abort.signal }))
        seen.push(observation);
    })().catch(() => {});
    const states = () => seen.flatMap(each => each.instances).map(each => each.state);
    await eventually(() => assert.deepEqual(states(), ['running']));
    assert.equal(seen[0]!.full, true);
    const { pid } = seen[0]!.instances[0]!;
    const times: number[] = [];
    const timed = async (what: () => Promise<unknown> | unknown, expected: string[]) => {
      const begin = performance.now();
      await what();
      await eventually(() => assert.deepEqual(states(), expected));
      times.push(performance.now() - begin);
    };
    const freezer = `/sys/fs/cgroup/freezer/${PREFIX}/lxc.payload.${id}/freezer.state`;
    const lxc = ['-P', join(agent.data, 'lxc'), '-n', id];
    await timed(() => process.kill(Number(pid), 'SIGKILL'), ['running', 'stopped']);
    await timed(() => run('lxc-start', [...lxc, '-d']), ['running', 'stopped', 'running']);
    await timed(() => run('sh', ['-c', `echo FROZEN >${freezer}`]), ['running', 'stopped', 'running', 'frozen']);
    await timed(
      () => run('sh', ['-c', `echo THAWED >${freezer}`]),
      ['running', 'stopped', 'running', 'frozen', 'running'],
    );
    assert.ok(Math.max(...times) < 2000, times.map(Math.round).join(', '));
    // A heartbeat is an observation without instances; it tells how full the host is.
    await eventually(() => assert.ok(seen.some(each => each.pools.length > 0 && each.instances.length === 0)));
    abort.abort();
    await stream;
  });

  it('is killed and comes back: the container never noticed, and an older generation is still refused', async () => {
    const before = (await setState('running')).pid;
    await agent.killAndRestart();
    await eventually(async () => {
      const status = await setState('running');
      assert.equal(status.pid, before);
    });
    await agent.client.ensureConfig({ spec: { ...spec, generation: 1n } });
    await ensureInstance({ generation: 2n });
    await assert.rejects(setState('stopped', { force: true }), (e: AppError) => e.code === 'conflict');
    assert.equal((await execIn(agent.client, { ref: { id, generation: 2n }, command: ['true'] })).code, 0);
  });

  it('takes an image, runs an instance made from it, and forgets the image', async () => {
    const { meta, fingerprint } = await makeImage();
    const channel = await dial({
      ...(await agent.client.issueDataToken({ kind: 'image-upload', params: { upload: 'u1', part: 'meta' } })),
      identity: agent.controller,
      kind: 'image-upload',
    });
    const { body } = await channel.ask({}, Readable.from([meta]));
    for await (const _ of body);
    await channel.close();
    const info = await agent.client.finishUpload({ upload: 'u1', expectedFingerprint: fingerprint });
    assert.equal(info.architecture, 'x86_64');

    const made = { ...spec, id: imageId, name: 'from-image', image: fingerprint, devices: { root: spec.devices.root } };
    const imageRef = { id: imageId, generation: 1n };
    await ensureInstance(made);
    await agent.client.ensureState({ ref: imageRef, state: 'running' });
    const { stdout } = await execIn(agent.client, { ref: imageRef, command: ['cat', '/etc/hostname'] });
    assert.equal(stdout, 'from-image\n');
    await agent.client.ensureNoImage({ fingerprint });
    await agent.client.ensureNoInstance({ ref: imageRef });
    await assert.rejects(ensureInstance(made), (e: AppError) => e.code === 'not-found');
  });

  /** A unified image whose host name comes from a template. */
  const makeImage = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-image-'));
    try {
      await makeBusyboxRoot(join(folder, 'rootfs'), 0);
      await mkdir(join(folder, 'templates'));
      await writeFile(join(folder, 'templates/hostname.tpl'), '{{ container.name }}\n');
      const templates = '{"/etc/hostname": {"when": ["create"], "template": "hostname.tpl"}}';
      await writeFile(
        join(folder, 'metadata.yaml'),
        `architecture: amd64\ncreation_date: 1\ntemplates: ${templates}\n`,
      );
      await run('tar', ['-C', folder, '-czf', join(folder, 'image.tar.gz'), 'metadata.yaml', 'templates', 'rootfs']);
      const meta = await readFile(join(folder, 'image.tar.gz'));
      return { meta, fingerprint: createHash('sha256').update(meta).digest('hex') };
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  it('refuses whoever is not a controller', async () => {
    const { connectGrpc } = await import('../rpc/client.ts');
    const tls = {
      ca: await readFile(join(agent.data, 'tls/ca.crt'), 'utf8'),
      cert: await readFile(join(agent.data, 'tls/agent.crt'), 'utf8'),
      key: await readFile(join(agent.data, 'tls/agent.key'), 'utf8'),
    };
    const other = connectGrpc({
      address: agent.address,
      tls,
      expect: 'berth://agent/n1',
      services: AGENT_SERVICES,
      who: 'n1',
    });
    await assert.rejects(other.client.getHost({}), (e: AppError) => e.code === 'forbidden');
    other.close();
  });

  it('removes an instance with all that belongs to it, also what a broken-off removal left', async () => {
    const last = { id, generation: 2n };
    const [home] = (await run('find', [agent.data, '-path', `*/instances/${id}`])).stdout.split('\n');
    await agent.client.ensureNoInstance({ ref: last });
    await mkdir(home!); // as an agent leaves it that is killed in the middle
    await agent.client.ensureNoInstance({ ref: last });
    assert.equal((await run('find', [agent.data, '-name', `*${id}*`])).stdout, '');
    const { stdout } = await run('ip', ['-o', 'link']);
    assert.ok(!/ v[0-9a-f]{8}@/.test(stdout), 'no interface is left');
    await assert.rejects(
      agent.client.ensureState({ ref: last, state: 'running' }),
      (e: AppError) => e.code === 'not-found',
    );
  });
});
