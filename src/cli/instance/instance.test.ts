import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from '../api/instance.ts';
import { needsState, parseColumns } from './columns.ts';
import { createRequest } from './create-request.ts';
import { matchesAll } from './filter.ts';
import { renderMoveCheck } from './move-plan.ts';
import { renderPlacement } from './placement.ts';

const instance: Instance = {
  name: 'web1',
  status: 'Running',
  status_code: 103,
  type: 'container',
  architecture: 'x86_64',
  location: 'n1',
  ephemeral: true,
  stateful: false,
  profiles: ['default', 'web'],
  config: { 'volatile.base_image': 'a'.repeat(64) },
  devices: {},
  expanded_config: { 'user.owner': 'me', 'limits.memory': '1GiB', 'security.privileged': 'true' },
  expanded_devices: { root: { type: 'disk', path: '/', pool: 'fast' } },
  created_at: '2026-11-23T15:02:05Z',
  last_used_at: '1970-01-01T00:00:00Z',
  state: {
    status: 'Running',
    status_code: 103,
    pid: 42,
    processes: 3,
    cpu: { usage: 2_500_000_000 },
    memory: { usage: 256 * 1024 ** 2, usage_peak: 0, swap_usage: 0, swap_usage_peak: 0 },
    disk: { root: { usage: 1024 } },
    network: {
      lo: {
        addresses: [{ family: 'inet', address: '127.0.0.1', netmask: '8', scope: 'local' }],
        counters: {},
        hwaddr: '',
        host_name: '',
        mtu: 1,
        state: 'up',
        type: 'loopback',
      },
      eth0: {
        addresses: [
          { family: 'inet', address: '10.0.0.7', netmask: '24', scope: 'global' },
          { family: 'inet6', address: 'fe80::1', netmask: '64', scope: 'link' },
        ],
        counters: {},
        hwaddr: '',
        host_name: '',
        mtu: 1500,
        state: 'up',
        type: 'broadcast',
      },
    },
  },
  snapshots: [{ name: 's', created_at: '', stateful: false }],
};

test('every column of the list', () => {
  const cells = parseColumns('ns46abcdDefFlLmMNpPStu').map(column => [column.key, column.cell(instance)]);
  assert.deepEqual(Object.fromEntries(cells), {
    n: 'web1',
    s: 'RUNNING',
    4: '10.0.0.7 (eth0)',
    6: '',
    a: 'x86_64',
    b: 'fast',
    c: '2026/11/23 15:02 UTC',
    d: '',
    D: '1.00KiB',
    e: 'default',
    f: 'a'.repeat(12),
    F: 'a'.repeat(64),
    l: '',
    L: 'n1',
    m: '256.00MiB',
    M: '25.0%',
    N: '3',
    p: '42',
    P: 'default\nweb',
    S: '1',
    t: 'CONTAINER (EPHEMERAL)',
    u: '2s',
  });
});

test('columns by letter and by configuration key', () => {
  const columns = parseColumns('n,s,user.owner:OWNER');
  assert.deepEqual(
    columns.map(column => column.header),
    ['NAME', 'STATE', 'OWNER'],
  );
  assert.equal(columns[2]!.cell(instance), 'me');
  assert.equal(needsState(columns), false);
  assert.equal(needsState(parseColumns('n4')), true);
  assert.throws(() => parseColumns('nz'), /'z'/);
});

test('a stopped instance has no state, and every column bears it', () => {
  const stopped = {
    ...instance,
    status: 'Stopped',
    status_code: 102,
    state: null,
    snapshots: null,
    profiles: null,
    config: null,
    expanded_config: null,
    expanded_devices: null,
  };
  for (const column of parseColumns('ns46abcdDefFlLmMNpPStu')) assert.equal(typeof column.cell(stopped), 'string');
});

test('filters', () => {
  const holds = (...filters: readonly string[]) => matchesAll(instance, filters);
  for (const filter of [
    'web',
    '.*eb1',
    'status=running',
    'status=stopped,RUNNING',
    'location=n1',
    'user.owner=me',
    'u.owner=me',
    's.privileged=true',
    'user.owner=m.*',
    'ipv4=10.0.0.7',
    'type=container',
  ])
    assert.ok(holds(filter), filter);
  for (const filter of ['eb', 'status=stopped', 'user.owner=you', 'owner=me', 'we[', 'ipv6=::1'])
    assert.ok(!holds(filter), filter);
  assert.ok(!holds('web', 'status=stopped'));
});

const given = { name: 'c1', source: { type: 'image' }, document: {}, inherited: {} };

test('without options a creation leaves profiles and devices to the server', () => {
  assert.deepEqual(createRequest({}, given), {
    name: 'c1',
    type: 'container',
    instance_type: '',
    source: { type: 'image' },
    config: {},
    devices: {},
    description: '',
    ephemeral: false,
    stateful: false,
    profiles: null,
  });
  assert.deepEqual(createRequest({ profiles: false }, given).profiles, []);
  assert.deepEqual(createRequest({ profile: ['a', 'b'] }, given).profiles, ['a', 'b']);
});

test('options win over the YAML on standard input', () => {
  const document = { config: { a: '1', b: '2' }, profiles: ['p'], description: 'd', devices: { x: { type: 'nic' } } };
  const request = createRequest({ config: ['a=3'] }, { ...given, document });
  assert.deepEqual(
    [request.config, request.profiles, request.description, request.devices],
    [{ a: '3', b: '2' }, ['p'], 'd', { x: { type: 'nic' } }],
  );
});

test('a key of a device that a profile brings keeps the rest of it; a pool moves the root disk', () => {
  const inherited = { disk0: { type: 'disk', path: '/', pool: 'default' } };
  assert.deepEqual(createRequest({ device: ['disk0,size=1GiB'] }, { ...given, inherited }).devices, {
    disk0: { type: 'disk', path: '/', pool: 'default', size: '1GiB' },
  });
  assert.deepEqual(createRequest({ storage: 'fast' }, { ...given, inherited }).devices, {
    disk0: { type: 'disk', path: '/', pool: 'fast' },
  });
  assert.deepEqual(createRequest({ storage: 'fast' }, given).devices, {
    root: { type: 'disk', path: '/', pool: 'fast' },
  });
  assert.deepEqual(createRequest({ network: 'br0' }, given).devices, {
    eth0: { type: 'nic', name: 'eth0', network: 'br0' },
  });
  assert.throws(() => createRequest({ device: ['eth9,mtu=1'] }, given), /eth9/);
});

test('a placement is told chosen first, then by score, then the rejected', async () => {
  const text = await renderPlacement({
    node: 'n2',
    at: '',
    summary: 'n2 of 3 hosts: most free memory',
    reasons: [
      { node: 'n1', verdict: 'rejected', because: ['not enough memory', 'cordoned'] },
      { node: 'n3', verdict: 'fits', because: [], score: 1, scores: { balance: 1 } },
      { node: 'n2', verdict: 'chosen', because: [], score: 1.5, scores: { balance: 1.25, image: 0.25 } },
    ],
  });
  assert.equal(
    text,
    [
      'n2 of 3 hosts: most free memory',
      '+------+----------+-------+-----------------------------+',
      '| HOST | VERDICT  | SCORE |             WHY             |',
      '+------+----------+-------+-----------------------------+',
      '| n2   | CHOSEN   | 1.50  | balance 1.25, image 0.25    |',
      '+------+----------+-------+-----------------------------+',
      '| n3   | FITS     | 1     | balance 1                   |',
      '+------+----------+-------+-----------------------------+',
      '| n1   | REJECTED |       | not enough memory, cordoned |',
      '+------+----------+-------+-----------------------------+',
    ].join('\n'),
  );
});

test('a move that cannot be says what is in the way', async () => {
  const placement = { node: 'n2', at: '', summary: '', reasons: [] };
  const check = {
    verdict: 'no',
    obstacles: [{ what: 'a FUSE mount', advice: 'unmount /x', severity: 'no' }],
    memory_bytes: 1024 ** 2,
    disk_bytes: 0,
    processes: 3,
  } as const;
  const text = await renderMoveCheck('c1', { placement, check });
  assert.match(text, /^c1 cannot move, to n2 \(3 processes, 1.00MiB of memory/);
  assert.match(text, /\| NO +\| a FUSE mount \| unmount \/x \|/);
});
