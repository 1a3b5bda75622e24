/** Devices that come and go while a real container runs, looked at from inside. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Config } from '../../domain/instance.ts';
import { run } from '../command.ts';
import { makeBusyboxRoot } from '../testing/busybox-root.ts';
import { eventually } from '../testing/eventually.ts';
import { execIn } from '../testing/exec-in.ts';
import { inOwnHost } from '../testing/own-host.ts';
import { startTestAgent, type TestAgent } from '../testing/test-agent.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-devices-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

const id = '23232323-2222-4222-8222-222222222222';
const ref = { id, generation: 1n };

describe('devices of a running instance', () => {
  let agent: TestAgent;
  let folder: string;

  const specWith = (devices: Readonly<Record<string, Config>>) => ({
    id,
    generation: 1n,
    name: 'c1',
    project: 'default',
    config: {},
    devices: Object.fromEntries(
      Object.entries({ root: { type: 'disk', path: '/', pool: 'default' }, ...devices }).map(([name, options]) => [
        name,
        { options },
      ]),
    ),
  });
  const configure = (devices: Readonly<Record<string, Config>>) =>
    agent.client.ensureConfig({ spec: specWith(devices) });
  const inside = async (...command: string[]) => {
    const { stdout, stderr } = await execIn(agent.client, { ref, command });
    return `${stdout}${stderr}`.trim();
  };

  before(async () => {
    agent = await startTestAgent(PREFIX, 'none0');
    folder = await mkdtemp(join(tmpdir(), 'berth-devices-'));
    await mkdir(join(folder, 'closed/data'), { recursive: true });
    await chmod(join(folder, 'closed'), 0o700);
    await writeFile(join(folder, 'closed/data/hello'), 'from the host');
    await writeFile(join(folder, 'note'), 'a note');
    await agent.client.ensurePool({ name: 'default', driver: 'dir' });
    for await (const _ of agent.client.ensureInstance({ spec: specWith({}) }));
    await makeBusyboxRoot(await agent.rootOf(id), 1_000_000);
    await agent.client.ensureState({ ref, state: 'running', timeoutMs: -1n });
  });
  after(async () => {
    await agent.client.ensureNoInstance({ ref });
    await agent.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('lays a folder of the host in, makes it read-only, moves it and takes it out', async () => {
    const data = { type: 'disk', source: join(folder, 'closed/data'), path: '/mnt/new/data' };
    await configure({ data });
    assert.equal(await inside('cat', '/mnt/new/data/hello'), 'from the host');
    await configure({ data });
    await configure({ data: { ...data, readonly: 'true' } });
    assert.match(await inside('sh', '-c', 'echo x >/mnt/new/data/x'), /Read-only/);
    await configure({ data: { ...data, path: '/srv' } });
    assert.equal(await inside('cat', '/srv/hello'), 'from the host');
    assert.match(await inside('cat', '/mnt/new/data/hello'), /No such file/);
    await configure({});
    assert.match(await inside('cat', '/srv/hello'), /No such file/);
  });

  it('lays a single file in', async () => {
    await configure({ note: { type: 'disk', source: join(folder, 'note'), path: '/etc/note' } });
    assert.equal(await inside('cat', '/etc/note'), 'a note');
  });

  it('says what is missing, and leaves the instance as it was', async () => {
    const bad = { type: 'disk', source: join(folder, 'nowhere'), path: '/x' };
    await assert.rejects(configure({ bad }), /"bad": this host has no .*nowhere/);
    await configure({ bad: { ...bad, required: 'false' } });
    await configure({});
    assert.match(await inside('cat', '/etc/note'), /^$|No such file/);
  });

  it('has them after a restart as well', async () => {
    await configure({ data: { type: 'disk', source: join(folder, 'closed/data'), path: '/data' } });
    await agent.client.ensureState({ ref, state: 'stopped', force: true, timeoutMs: 0n });
    await agent.client.ensureState({ ref, state: 'running', timeoutMs: -1n });
    assert.equal(await inside('cat', '/data/hello'), 'from the host');
    await configure({});
    assert.match(await inside('cat', '/data/hello'), /No such file/);
    assert.equal(
      (await run('grep', ['-c', folder, '/proc/self/mountinfo'], { allowFailure: true })).stdout.trim(),
      '0',
    );
  });

  it('does not follow a link of the guest out of its root', async () => {
    await inside('ln', '-s', '/../../../../../tmp', '/trap');
    await configure({ data: { type: 'disk', source: join(folder, 'closed/data'), path: '/trap/deep' } });
    assert.equal(await inside('cat', '/tmp/deep/hello'), 'from the host');
    await configure({});
  });

  it('brings what came since the start through a reboot from inside, and not what went', async () => {
    const data = { type: 'disk', source: join(folder, 'closed/data'), path: '/data' };
    await configure({ data });
    await inside('touch', '/tmp/before');
    await agent.client.ensureState({ ref, state: 'stopped', force: true, timeoutMs: 0n });
    await agent.client.ensureState({ ref, state: 'running', timeoutMs: -1n });
    await configure({ late: { ...data, path: '/late' } });
    const pid = async () => (await agent.client.getInstanceState(ref)).status!.pid;
    const before = await pid();
    await execIn(agent.client, { ref, command: ['reboot', '-f'] }).catch(() => {});
    await eventually(async () => {
      const now = await pid();
      assert.ok(now !== 0n && now !== before);
    });
    assert.equal(await inside('cat', '/late/hello'), 'from the host');
    assert.match(await inside('cat', '/data/hello'), /No such file/);
    await configure({});
  });

  it('hands a device node in, with its owner and mode, also by numbers, and takes it out', async () => {
    const zero = { type: 'unix-char', source: '/dev/zero', path: '/dev/my/zero', uid: '7', gid: '8', mode: '0604' };
    await configure({ zero, full: { type: 'unix-char', path: '/dev/myfull', major: '1', minor: '7' } });
    assert.equal(await inside('stat', '-c', '%F %t:%T %u:%g %a', '/dev/my/zero'), 'character special file 1:5 7:8 604');
    assert.equal(await inside('sh', '-c', 'head -c 3 /dev/my/zero | wc -c'), '3');
    assert.equal(await inside('stat', '-c', '%t:%T %u:%g %a', '/dev/myfull'), '1:7 0:0 660');
    await configure({ zero: { ...zero, mode: '0600' } });
    assert.equal(await inside('stat', '-c', '%a', '/dev/my/zero'), '600');
    await agent.client.ensureState({ ref, state: 'stopped', force: true, timeoutMs: 0n });
    await agent.client.ensureState({ ref, state: 'running', timeoutMs: -1n });
    assert.equal(await inside('stat', '-c', '%a', '/dev/my/zero'), '600');
    await configure({});
    assert.match(await inside('ls', '/dev/my/zero'), /No such file/);
    const none = { type: 'unix-char', path: '/dev/berth-none' };
    await assert.rejects(configure({ none }), /"none": this host has no character device/);
    await configure({ none: { ...none, required: 'false' } });
  });
});
