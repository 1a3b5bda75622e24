import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkInstanceConfig, checkProfileConfig } from './config-keys.ts';
import { checkDevices, rootDisk } from './devices.ts';
import { checkInstanceName } from './names.ts';
import { nics } from './nic.ts';
import { expand } from './profile.ts';
import { requestsOf } from './resources.ts';
import { formatBytes, parseBytes } from './size.ts';

const good: readonly (readonly [string, string])[] = [
  ['limits.cpu', '2'],
  ['limits.cpu', '0,2-3'],
  ['limits.cpu.allowance', '50%'],
  ['limits.cpu.allowance', '25ms/100ms'],
  ['limits.memory', '512MiB'],
  ['limits.memory', '25%'],
  ['limits.memory', ''],
  ['user.anything', 'at all'],
  ['security.privileged', 'true'],
];
const bad: readonly (readonly [string, string, RegExp])[] = [
  ['limits.cpu', '0', /"limits.cpu": "0" is not a whole number from 1/],
  ['limits.cpu', '3-1', /neither a number of cores/],
  ['limits.cpu.allowance', '500%', /neither a share/],
  ['limits.memory', 'lots', /is not a size/],
  ['limits.memory', '101%', /is not from 1% to 100%/],
  ['limits.memory', '4kB', /less than 1MiB/],
  ['boot.autostart', 'maybe', /is not one of true, false/],
  ['limits.cpus', '2', /Unknown configuration key: "limits.cpus"/],
  ['user.', 'x', /Unknown configuration key/],
  ['security.idmap.isolated', 'true', /id range of their host/],
  ['security.idmap.size', '1', /not supported: all unprivileged/],
  ['__proto__', 'x', /Unknown configuration key/],
  ['constructor', 'x', /Unknown configuration key/],
];

describe('instance config', () => {
  for (const [key, value] of good) it(`takes ${key}=${value}`, () => checkInstanceConfig({ [key]: value }));
  for (const [key, value, message] of bad) {
    it(`refuses ${key}=${value}`, () => {
      assert.throws(() => checkInstanceConfig(Object.fromEntries([[key, value]])), { code: 'invalid', message });
    });
  }
  it('keeps instance keys out of profiles', () => {
    assert.throws(() => checkProfileConfig({ 'volatile.x': '1' }), { message: /belongs to an instance/ });
  });
  it('counts limits as requests', () => {
    const devices = { root: { type: 'disk', path: '/', pool: 'default', size: '10GiB' } };
    assert.deepEqual(requestsOf({ 'limits.cpu': '0-1', 'limits.memory': '1GiB' }, devices), {
      cpuMillis: 2000,
      memoryBytes: 2 ** 30,
      diskBytes: 10 * 2 ** 30,
    });
    assert.equal(requestsOf({ 'limits.cpu.allowance': '25ms/100ms' }, {}).cpuMillis, 250);
  });
  it('merges profiles in order, devices whole', () => {
    const merged = expand({ config: { a: '3' }, devices: { eth0: { type: 'none' } } }, [
      { config: { a: '1', b: '1' }, devices: { eth0: { type: 'nic', network: 'x' }, root: { type: 'disk' } } },
      { config: { b: '2' }, devices: {} },
    ]);
    assert.deepEqual(merged, {
      config: { a: '3', b: '2' },
      devices: { eth0: { type: 'none' }, root: { type: 'disk' } },
    });
  });
});

describe('devices', () => {
  it('takes a root disk and nics', () => {
    const devices = {
      root: { type: 'disk', path: '/', pool: 'default', size: '1GiB' },
      lan: { type: 'nic', network: 'berthbr0', hwaddr: '00:16:3e:00:00:01' },
      wan: { type: 'nic', nictype: 'bridged', parent: 'br0', name: 'wan0' },
    };
    checkDevices(devices);
    assert.deepEqual(rootDisk(devices), { name: 'root', pool: 'default', size: '1GiB' });
    assert.deepEqual(
      nics(devices).map(nic => nic.name),
      ['eth0', 'wan0'],
    );
  });
  for (const [device, message] of [
    [{}, /"type" is missing/],
    [{ type: 'gpu' }, /type "gpu" is not supported/],
    [{ type: 'dics' }, /type "dics" is unknown/],
    [{ type: 'disk', path: '/' }, /"pool" is missing/],
    [{ type: 'disk', path: 'mnt', source: '/x' }, /not an absolute path/],
    [{ type: 'disk', path: '/mnt', source: '/a/../b' }, /not an absolute path without/],
    [{ type: 'nic' }, /"network" is missing/],
    [{ type: 'nic', network: 'x', hwaddr: '01:00:00:00:00:00' }, /multicast/],
    [{ type: 'nic', network: 'x', speed: '9' }, /unknown option "speed"/],
  ] as const) {
    it(`refuses ${JSON.stringify(device)}`, () => {
      assert.throws(() => checkDevices({ d: device as Record<string, string> }), { code: 'invalid', message });
    });
  }
});

describe('names and sizes', () => {
  for (const name of ['c1', 'a', 'web-1', 'A'.repeat(63)])
    it(`takes ${name}`, () => assert.equal(checkInstanceName(name), name));
  for (const name of ['', '1c', '-c', 'c-', 'a_b', 'a/b', 'a.b', 'ü', 'a'.repeat(64)]) {
    it(`refuses "${name}"`, () => assert.throws(() => checkInstanceName(name), { code: 'invalid' }));
  }
  it('reads and writes sizes', () => {
    assert.equal(parseBytes('x', '512MiB'), 536_870_912);
    assert.equal(parseBytes('x', '2GB'), 2_000_000_000);
    assert.equal(formatBytes(1.5 * 2 ** 30), '1.5GiB');
    assert.equal(formatBytes(0), '0B');
    assert.throws(() => parseBytes('size', '9999999PiB'), { message: /"size".*too large/ });
  });
});
