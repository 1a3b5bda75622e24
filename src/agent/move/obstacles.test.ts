import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Inside, Process } from './inside.ts';
import { type Case, type End, obstaclesOf, verdictOf } from './obstacles.ts';

const end: End = {
  node: 'n1',
  architecture: 'x86_64',
  kernel: '6.1.0',
  cgroupV2: true,
  cpuFlags: ['sse', 'avx2'],
  criu: { works: true, reason: '' },
  idMap: '65536 ids from 1000000',
  lxcfs: true,
};
const process = (change: Partial<Process>): Process => ({
  pid: 101,
  name: 'sleep',
  parent: 100,
  foreignSession: false,
  ownNamespaces: [],
  files: [{ target: '/dev/null', foreign: false }],
  ...change,
});
const inside: Inside = {
  init: 100,
  processes: [process({ pid: 100, name: 'init', parent: 50 }), process({})],
  mounts: [
    { point: '/', type: 'ext4' },
    { point: '/proc/uptime', type: 'fuse.lxcfs' },
  ],
  links: ['lo', 'eth0', 'sit0'],
  addresses: ['198.18.0.5'],
  firewall: false,
  memoryBytes: 1e6,
};
const fine: Case = {
  from: end,
  to: { ...end, node: 'n2' },
  inside,
  frozen: false,
  detach: false,
  volumes: [],
  hostPaths: [],
  nics: [{ name: 'eth0', addresses: ['198.18.0.5', 'fd00::5'] }],
  roomBytes: 1e9,
};
const withInside = (change: Partial<Inside>): Case => ({ ...fine, inside: { ...inside, ...change } });
const withProcess = (change: Partial<Process>): Case =>
  withInside({ processes: [inside.processes[0]!, process(change)] });
const withTarget = (change: Partial<End>): Case => ({ ...fine, to: { ...fine.to, ...change } });

test('nothing stands in the way of an ordinary container', () => {
  assert.deepEqual(obstaclesOf(fine), []);
  assert.equal(verdictOf([]), 'live');
});

const CASES: readonly (readonly [string, Case, 'live' | 'restart' | 'no', RegExp])[] = [
  ['another architecture', withTarget({ architecture: 'aarch64' }), 'no', /aarch64/],
  ['a custom volume', { ...fine, volumes: ['data'] }, 'no', /"data"/],
  ['a folder of the host', { ...fine, hostPaths: ['/srv'] }, 'live', /\/srv/],
  ['no CRIU there', withTarget({ criu: { works: false, reason: 'too old' } }), 'restart', /n2: too old/],
  ['other cgroups there', withTarget({ cgroupV2: false }), 'restart', /cgroups/],
  ['other ids there', withTarget({ idMap: '65536 ids from 200000' }), 'restart', /200000/],
  ['no lxcfs there', withTarget({ lxcfs: false }), 'restart', /lxcfs/],
  ['an older CPU there', withTarget({ cpuFlags: ['sse'] }), 'restart', /avx2/],
  ['another kernel there', withTarget({ kernel: '5.10.0' }), 'live', /5\.10/],
  ['a paused instance', { ...fine, frozen: true }, 'restart', /paused/],
  ['an exec session', withProcess({ parent: 7, foreignSession: true }), 'restart', /exec session/],
  [
    'an exec session that may be ended',
    { ...withProcess({ parent: 7, foreignSession: true }), detach: true },
    'live',
    /exec session/,
  ],
  ['what an exec session left', withProcess({ foreignSession: true }), 'restart', /left behind/],
  ['a sandboxed service', withProcess({ ownNamespaces: ['uts'] }), 'restart', /uts namespaces/],
  ['BPF', withProcess({ files: [{ target: 'anon_inode:bpf-prog', foreign: false }] }), 'restart', /BPF/],
  ['io_uring', withProcess({ files: [{ target: 'anon_inode:[io_uring]', foreign: false }] }), 'restart', /io_uring/],
  [
    'a watch of pressure',
    withProcess({ files: [{ target: '/sys/fs/cgroup/init.scope/memory.pressure', foreign: false }] }),
    'restart',
    /pressure/,
  ],
  ['a file of the host', withProcess({ files: [{ target: '/dev/pts/3', foreign: true }] }), 'restart', /pts\/3/],
  [
    'a terminal by its other name',
    withProcess({ files: [{ target: '/dev/tty', foreign: false }] }),
    'restart',
    /sleep \(101\) has its terminal open as \/dev\/tty/,
  ],
  ['a mounted socket', withInside({ mounts: [{ point: '/x/dev/log', type: 'a socket' }] }), 'restart', /socket/],
  [
    'temporary files of a dynamic user',
    withInside({ mounts: [{ point: '/var/tmp', type: 'a part of a file system' }] }),
    'restart',
    /part of a file system is mounted at \/var\/tmp/,
  ],
  ['a FUSE mount', withInside({ mounts: [{ point: '/mnt', type: 'fuse.sshfs' }] }), 'restart', /sshfs/],
  ['a ramfs', withInside({ mounts: [{ point: '/run/x', type: 'ramfs' }] }), 'restart', /ramfs/],
  ['an interface of its own', withInside({ links: ['lo', 'eth0', 'wg0'] }), 'restart', /wg0/],
  ['an address of its own', withInside({ addresses: ['10.0.0.1'] }), 'restart', /10\.0\.0\.1/],
  ['a firewall of its own', withInside({ firewall: true }), 'restart', /firewall/],
  ['more memory than there is room for', { ...fine, roomBytes: 1000 }, 'restart', /do not fit/],
];

for (const [name, given, verdict, what] of CASES) {
  test(`${name}: ${verdict}`, () => {
    const found = obstaclesOf(given);
    assert.equal(found.length, 1);
    assert.match(found[0]!.what, what);
    assert.equal(verdictOf(found), verdict);
  });
}

test('what is stopped needs only its architecture and no custom volumes', () => {
  const stopped = { ...withTarget({ criu: { works: false, reason: '' }, cgroupV2: false }), inside: undefined };
  assert.deepEqual(obstaclesOf(stopped), []);
});
