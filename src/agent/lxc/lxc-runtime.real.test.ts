import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AppError } from '../../domain/errors.ts';
import { openCgroups, readCgroup } from '../cgroups.ts';
import { run } from '../command.ts';
import { readHostFacts } from '../host-facts.ts';
import { cgroupSettings } from '../limits.ts';
import { writePlug } from '../nic/nics.ts';
import { planNics } from '../nic/plan.ts';
import type { Spec } from '../spec.ts';
import { makeBusyboxRoot } from '../testing/busybox-root.ts';
import { inOwnHost } from '../testing/own-host.ts';
import { lxcConfig } from './config.ts';
import { haltSignalOf } from './init-type.ts';
import { lxcRuntime } from './lxc-runtime.ts';
import { seccompProfile } from './seccomp.ts';

const PREFIX = `berth-test-runtime-${process.env.BERTH_OWN_HOST?.split('-').at(-1) ?? process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

const id = '11111111-1111-4111-8111-111111111111';
const idMap = { base: 1_000_000, size: 65_536 };

describe('runtime on real LXC', () => {
  let folder: string;
  let rootfs: string;
  const cgroups = openCgroups(PREFIX);
  const runtimeIn = () => lxcRuntime(join(folder, 'lxc'), cgroups);

  const spec: Spec = {
    id,
    generation: 1,
    name: 'c1',
    project: 'default',
    architecture: '',
    ephemeral: false,
    config: {
      'limits.memory': '64MiB',
      'limits.processes': '50',
      'environment.GREETING': 'hello world',
      'volatile.eth0.hwaddr': '00:16:3e:00:00:01',
      'volatile.eth0.ipv4.address': '198.18.200.5',
      'volatile.eth0.ipv4.prefix': '24',
      'volatile.eth0.ipv4.gateway': '198.18.200.1',
    },
    devices: { eth0: { type: 'nic', name: 'eth0' } },
    image: '',
    createdAt: 0,
  };

  const prepare = async (change: Partial<Spec> = {}, root = rootfs) => {
    const wanted = { ...spec, ...change };
    const here = await runtimeIn().folder(id);
    const facts = { ...readHostFacts(cgroups), cgroupV2: cgroups.v2, chosenCpus: [] };
    const config = lxcConfig(wanted, {
      cgroupV2: cgroups.v2,
      cgroupPrefix: PREFIX,
      idMap,
      rootfs: root,
      plug: join(here, 'plug'),
      seccomp: join(here, 'seccomp'),
      haltSignal: await haltSignalOf(rootfs),
      lxcfs: {},
      appArmor: false,
      settings: cgroupSettings(wanted.config, facts),
      bound: [],
      allowed: [],
    });
    await writeFile(join(here, 'config'), config);
    await writeFile(join(here, 'seccomp'), seccompProfile({}, false)!);
    await writePlug(here, planNics(wanted, 'testbr0'));
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-runtime-'));
    await run('chmod', ['755', folder]);
    rootfs = join(folder, 'rootfs');
    await makeBusyboxRoot(rootfs, idMap.base);
    await run('ip', ['link', 'add', 'testbr0', 'address', '02:00:00:00:00:01', 'type', 'bridge']);
    await run('ip', ['addr', 'add', '198.18.200.1/24', 'dev', 'testbr0']);
    await run('ip', ['link', 'set', 'testbr0', 'up']);
  });
  after(async () => {
    await runtimeIn().remove(id);
    await rm(folder, { recursive: true, force: true });
  });

  it('starts one that is limited, named, unprivileged and on the network, and sees it run', async () => {
    const runtime = runtimeIn();
    await prepare();
    const seen = await runtime.start(id, 'c1');
    assert.equal(seen.state, 'running');
    assert.deepEqual(runtime.ids(), [id]);
    const memory = cgroups.payload('memory', id);
    assert.equal(readCgroup(memory, cgroups.v2 ? 'memory.max' : 'memory.limit_in_bytes'), String(64 * 2 ** 20));
    assert.equal((await stat(`/proc/${seen.pid}`)).uid, idMap.base);
    assert.equal((await run('nsenter', ['-t', `${seen.pid}`, '-u', 'hostname'])).stdout, 'c1\n');
    await run('ping', ['-c', '1', '-W', '2', '198.18.200.5']);
  });

  it('freezes and thaws', async () => {
    const runtime = runtimeIn();
    await runtime.freeze(id);
    assert.equal(runtime.look(id).state, 'frozen');
    await runtime.freeze(id);
    await runtime.thaw(id);
    assert.equal(runtime.look(id).state, 'running');
  });

  it('kills a frozen one in well under 100 ms and leaves nothing in the kernel', async () => {
    const runtime = runtimeIn();
    await runtime.freeze(id);
    const before = performance.now();
    await runtime.kill(id);
    const ms = performance.now() - before;
    assert.equal(runtime.look(id).state, 'stopped');
    assert.deepEqual(runtime.ids(), []);
    assert.ok(ms < 100, `took ${ms.toFixed()} ms`);
    await runtime.kill(id);
  });

  it('starts again at once after a kill, and shuts down when asked', async () => {
    const runtime = runtimeIn();
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await runtime.start(id, 'c1')).state, 'running');
      await runtime.kill(id);
    }
    await runtime.start(id, 'c1');
    await runtime.shutdown(id, await haltSignalOf(rootfs), 15_000);
    assert.equal(runtime.look(id).state, 'stopped');
    assert.deepEqual(runtime.ids(), []);
  });

  it('survives a reboot from inside, on the network again', async () => {
    const runtime = runtimeIn();
    const first = await runtime.start(id, 'c1');
    await run('lxc-attach', ['-P', join(folder, 'lxc'), '-n', id, '--', 'reboot', '-f']);
    const end = Date.now() + 10_000;
    while (runtime.look(id).pid === first.pid || runtime.look(id).pid === 0) {
      assert.ok(Date.now() < end, 'it came back');
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    await run('ping', ['-c', '1', '-W', '2', '-w', '5', '198.18.200.5']);
    await runtime.kill(id);
  });

  it('leaves one alone that ignores the request, until it is killed', async () => {
    const runtime = runtimeIn();
    await runtime.start(id, 'c1');
    await assert.rejects(runtime.shutdown(id, 'SIGPWR', 150), (e: AppError) => e.code === 'deadline');
    assert.equal(runtime.look(id).state, 'running');
    await runtime.kill(id);
  });

  it('says why a start failed and leaves nothing', async () => {
    const runtime = runtimeIn();
    await assert.rejects(prepare({ devices: { eth0: { type: 'nic', parent: 'nobr0' } } }), /has no network "nobr0"/);
    await run('ip', ['link', 'add', 'nobr0', 'type', 'bridge']);
    await prepare({ devices: { eth0: { type: 'nic', parent: 'nobr0' } } });
    await run('ip', ['link', 'del', 'nobr0']);
    await assert.rejects(runtime.start(id, 'c1'), (error: AppError) => {
      assert.match(error.message, /c1 did not start: .*nobr0.*bridge/s);
      return true;
    });
    assert.deepEqual(runtime.ids(), []);

    await prepare({}, join(folder, 'nowhere'));
    await assert.rejects(runtime.start(id, 'c1'), /nowhere/);
    await prepare();
    await rm(join(rootfs, 'sbin/init'));
    await assert.rejects(runtime.start(id, 'c1'), /no \/sbin\/init/);
    assert.deepEqual(runtime.ids(), []);
  });
});
