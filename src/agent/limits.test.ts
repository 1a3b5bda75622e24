import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../domain/instance.ts';
import { cgroupSettings, chooseCpus, type LimitFacts } from './limits.ts';

const GIB = 2 ** 30;
const v1: LimitFacts = {
  cgroupV2: false,
  swapAccounting: true,
  memoryBytes: 8 * GIB,
  swappiness: 60,
  diskWeight: 'blkio.bfq.weight',
  hugePages: true,
  cpus: [0, 1, 2, 3],
  chosenCpus: [],
};
const v2: LimitFacts = { ...v1, cgroupV2: true, diskWeight: 'io.weight' };

/** Only what limits something, as `file=value`. */
const limited = (config: Config, facts: LimitFacts) =>
  cgroupSettings(config, facts)
    .filter(setting => !setting.unlimited)
    .map(({ file, value }) => `${file}=${value}`);

describe('limits', () => {
  it('says what this host cannot limit', () => {
    const poor = { ...v1, diskWeight: undefined, hugePages: false };
    assert.throws(() => limited({ 'limits.disk.priority': '1' }, poor), /limits\.disk\.priority/);
    assert.throws(() => limited({ 'limits.hugepages.1GB': '1GiB' }, poor), /limits\.hugepages\.1GB/);
    assert.throws(() => limited({ 'limits.memory.swap.priority': '1' }, v2), /limits\.memory\.swap\.priority/);
    assert.deepEqual(limited({ 'limits.memory.swap.priority': '5' }, poor), ['memory.swappiness=80']);
  });

  it('limits nothing when nothing is asked', () => {
    assert.deepEqual(limited({}, v1), []);
    assert.deepEqual(limited({}, v2), []);
  });

  const cases: readonly (readonly [string, Config, readonly string[], readonly string[]])[] = [
    ['memory', { 'limits.memory': '512MiB' }, ['memory.limit_in_bytes=536870912'], ['memory.max=536870912']],
    ['memory in percent', { 'limits.memory': '25%' }, [`memory.limit_in_bytes=${2 * GIB}`], [`memory.max=${2 * GIB}`]],
    [
      'soft memory',
      { 'limits.memory': '1GiB', 'limits.memory.enforce': 'soft' },
      [`memory.soft_limit_in_bytes=${GIB}`],
      [`memory.high=${GIB}`],
    ],
    [
      'memory without swap',
      { 'limits.memory': '1GiB', 'limits.memory.swap': 'false' },
      [`memory.limit_in_bytes=${GIB}`, `memory.memsw.limit_in_bytes=${GIB}`, 'memory.swappiness=0'],
      [`memory.max=${GIB}`, 'memory.swap.max=0'],
    ],
    ['a set of CPUs', { 'limits.cpu': '1-2' }, ['cpuset.cpus=1,2'], ['cpuset.cpus=1,2']],
    ['one pinned CPU', { 'limits.cpu': '3-3' }, ['cpuset.cpus=3'], ['cpuset.cpus=3']],
    [
      'a hard allowance',
      { 'limits.cpu.allowance': '25ms/100ms' },
      ['cpu.cfs_period_us=100000', 'cpu.cfs_quota_us=25000'],
      ['cpu.max=25000 100000'],
    ],
    ['a soft allowance', { 'limits.cpu.allowance': '50%' }, ['cpu.shares=512'], ['cpu.weight=50']],
    ['priority', { 'limits.cpu.priority': '4' }, ['cpu.shares=1018'], ['cpu.weight=94']],
    ['disk priority', { 'limits.disk.priority': '3' }, ['blkio.bfq.weight=300'], ['io.weight=300']],
    [
      'huge pages',
      { 'limits.hugepages.2MB': '64MiB' },
      ['hugetlb.2MB.limit_in_bytes=67108864'],
      ['hugetlb.2MB.max=67108864'],
    ],
    ['processes', { 'limits.processes': '100' }, ['pids.max=100'], ['pids.max=100']],
  ];
  for (const [name, config, on1, on2] of cases) {
    it(`knows ${name} on cgroup v1 and v2`, () => {
      assert.deepEqual(limited(config, v1), on1);
      assert.deepEqual(limited(config, v2), on2);
    });
  }

  it('makes way for a higher memory limit before it sets it', () => {
    const files = cgroupSettings({ 'limits.memory': '1GiB', 'limits.memory.swap': 'false' }, v1).map(s => s.file);
    const first = files.indexOf('memory.memsw.limit_in_bytes');
    assert.ok(first < files.indexOf('memory.limit_in_bytes'));
    assert.ok(files.lastIndexOf('memory.memsw.limit_in_bytes') > files.indexOf('memory.limit_in_bytes'));
  });

  it('does not touch swap files the kernel does not have', () => {
    const files = cgroupSettings({ 'limits.memory.swap': 'false' }, { ...v1, swapAccounting: false }).map(s => s.file);
    assert.ok(!files.includes('memory.memsw.limit_in_bytes'));
  });

  it('pins a count of CPUs to those chosen for it', () => {
    assert.deepEqual(limited({ 'limits.cpu': '2' }, { ...v1, chosenCpus: [1, 3] }), ['cpuset.cpus=1,3']);
  });

  it('chooses the CPUs with the fewest instances', () => {
    assert.deepEqual(chooseCpus(2, [0, 1, 2, 3], [[0, 1], [0], [3]]), [1, 2]);
    assert.deepEqual(chooseCpus(4, [0, 1, 2, 3], []), [], 'all of them is no limit');
    assert.deepEqual(chooseCpus(undefined, [0, 1], []), []);
  });

  const refused: readonly (readonly [Config, RegExp])[] = [
    [{ 'limits.cpu': 'two' }, /limits\.cpu/],
    [{ 'limits.cpu': '2-9' }, /this host has 0, 1, 2, 3/],
    [{ 'limits.cpu.allowance': '50' }, /limits\.cpu\.allowance/],
    [{ 'limits.cpu.priority': '11' }, /limits\.cpu\.priority/],
    [{ 'limits.memory': 'lots' }, /limits\.memory/],
    [{ 'limits.processes': '0' }, /limits\.processes/],
  ];
  for (const [config, message] of refused) {
    it(`refuses ${JSON.stringify(config)}`, () => assert.throws(() => cgroupSettings(config, v1), message));
  }
});
