import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../../domain/instance.ts';
import type { Spec } from '../spec.ts';
import { type ConfigFacts, lxcConfig } from './config.ts';

const spec: Spec = {
  id: '0b6e1c5e-7f43-4d0b-9d4c-111111111111',
  generation: 1,
  name: 'c1',
  project: 'default',
  architecture: 'x86_64',
  ephemeral: false,
  config: {},
  devices: { root: { type: 'disk', path: '/', pool: 'default' }, eth0: { type: 'nic', network: 'berthbr0' } },
  image: '',
  createdAt: 0,
};
const facts: ConfigFacts = {
  cgroupV2: false,
  cgroupPrefix: 'berth',
  idMap: { base: 1_000_000, size: 65_536 },
  rootfs: '/pool/instances/x/rootfs',
  plug: '/data/lxc/x/plug',
  seccomp: '/data/lxc/x/seccomp',
  haltSignal: 'SIGRTMIN+3',
  lxcfs: { meminfo: '/var/lib/lxcfs/proc/meminfo' },
  appArmor: false,
  settings: [{ controller: 'memory', file: 'memory.limit_in_bytes', value: '1024', unlimited: false }],
  bound: [],
  allowed: [],
};

const configOf = (change: Partial<Spec>, factsChange: Partial<ConfigFacts> = {}) =>
  lxcConfig({ ...spec, ...change }, { ...facts, ...factsChange }).split('\n');

describe('lxc configuration', () => {
  it('is unprivileged, without console and with an empty network, by default', () => {
    const lines = configOf({});
    for (const expected of [
      'lxc.uts.name = c1',
      'lxc.rootfs.path = dir:/pool/instances/x/rootfs',
      'lxc.idmap = u 0 1000000 65536',
      'lxc.idmap = g 0 1000000 65536',
      'lxc.net.0.type = empty',
      'lxc.console.path = none',
      'lxc.signal.halt = SIGRTMIN+3',
      'lxc.cgroup.memory.limit_in_bytes = 1024',
      'lxc.mount.entry = /var/lib/lxcfs/proc/meminfo proc/meminfo none bind,optional 0 0',
    ]) {
      assert.ok(lines.includes(expected), expected);
    }
  });

  it('has the seccomp profile that was written for it, and its own line after that', () => {
    const profiles = (config: Config, seccomp = facts.seccomp) =>
      configOf({ config }, { seccomp }).filter(line => line.startsWith('lxc.seccomp.profile'));
    const ours = 'lxc.seccomp.profile = /data/lxc/x/seccomp';
    assert.deepEqual(profiles({}), [ours]);
    assert.deepEqual(
      configOf({}, { seccomp: undefined })
        .join()
        .match(/seccomp/g),
      null,
    );
    const own = 'lxc.seccomp.profile = /etc/berth/mine'; // the last one counts
    assert.deepEqual(profiles({ 'raw.lxc': own }), [ours, own]);
  });

  it('passes limits of processes on', () => {
    assert.ok(configOf({ config: { 'limits.kernel.nofile': '100:200' } }).includes('lxc.prlimit.nofile = 100:200'));
  });

  it('adds to the AppArmor profile where there is one, and says where there is none', () => {
    const config = { 'raw.apparmor': 'deny /x r,' };
    assert.ok(configOf({ config }, { appArmor: true }).includes('lxc.apparmor.raw = deny /x r,'));
    assert.throws(() => configOf({ config }), /raw\.apparmor: this host has no AppArmor/);
  });

  it('lets nothing watch memory pressure, which a move would turn into an endless error', () => {
    assert.ok(configOf({}).includes('lxc.mount.entry = /dev/null proc/pressure/memory none bind,optional 0 0'));
  });

  it('forbids devices and system calls to a privileged one', () => {
    const lines = configOf({ config: { 'security.privileged': 'true' } }, { cgroupV2: true });
    assert.ok(!lines.some(line => line.startsWith('lxc.idmap')));
    assert.ok(lines.some(line => line.startsWith('lxc.cap.drop') && line.includes('sys_module')));
    assert.ok(lines.includes('lxc.cgroup2.devices.deny = a'));
  });

  it('names limits as the cgroup version does', () => {
    const settings = [{ controller: 'memory', file: 'memory.max', value: '1', unlimited: false }] as const;
    assert.ok(configOf({}, { cgroupV2: true, settings }).includes('lxc.cgroup2.memory.max = 1'));
  });

  it('mounts folders and volumes, white space escaped', () => {
    const plain = { isFile: false, readonly: false, recursive: false, propagation: 'private', optional: false };
    const data = { ...plain, device: 'data', source: '/srv/a b', path: '/mnt/my data', readonly: true };
    const vol = { ...plain, device: 'vol', source: '/pool/custom/v1', path: '/vol', optional: true };
    const lines = configOf({}, { bound: [data, vol] });
    assert.ok(lines.includes('lxc.mount.entry = /srv/a\\040b mnt/my\\040data none bind,create=dir,ro,optional 0 0'));
    assert.ok(lines.includes('lxc.mount.entry = /pool/custom/v1 vol none bind,create=dir,optional 0 0'));
  });

  it('passes environment, nesting and raw lines on', () => {
    const lines = configOf({
      config: {
        'environment.GREETING': 'hello world',
        'security.nesting': 'true',
        'raw.lxc': '# mine\nlxc.cap.drop = sys_nice\n',
      },
    });
    assert.ok(lines.includes('lxc.environment = GREETING=hello world'));
    assert.ok(lines.includes('lxc.mount.entry = proc dev/.lxc/proc proc create=dir,optional 0 0'));
    assert.ok(lines.includes('lxc.cap.drop = sys_nice'));
  });

  const refused: readonly (readonly [string, Partial<Spec>, RegExp])[] = [
    ['a raw root', { config: { 'raw.lxc': 'lxc.rootfs.path = /' } }, /lxc\.rootfs\.path is set by Berth/],
    ['a raw network', { config: { 'raw.lxc': 'lxc.net.1.type = phys' } }, /lxc\.net\.1\.type/],
    ['a raw include', { config: { 'raw.lxc': 'lxc.include = /etc/x' } }, /lxc\.include/],
    ['a raw start hook', { config: { 'raw.lxc': 'lxc.hook.start-host=/bin/x' } }, /lxc\.hook\.start-host/],
    ['a raw line that is none', { config: { 'raw.lxc': 'nonsense' } }, /nonsense/],
    ['a line break in a value', { config: { 'environment.A': 'x\nlxc.idmap = u 0 0 1' } }, /line break/],
  ];
  for (const [name, change, message] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => configOf(change), message));
  }
});
