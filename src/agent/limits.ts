/**
 * `limits.*` as cgroup files: pure. The whole list is always given, unlimited values included, so that writing it twice
 * is writing it once and a limit taken away is lifted. The same list makes LXC's configuration for a start, is written
 * to a running container when its configuration changes, and again after a restore.
 */
import { fail } from '../domain/errors.ts';
import type { Config } from '../domain/instance.ts';
import { cpuSet } from '../domain/resources.ts';
import { parseBytes } from '../domain/size.ts';
import { isTrue } from '../domain/values.ts';

export interface CgroupSetting {
  readonly controller: 'blkio' | 'cpu' | 'cpuset' | 'hugetlb' | 'io' | 'memory' | 'pids';
  readonly file: string;
  readonly value: string;
  /** What a fresh cgroup has anyway. */
  readonly unlimited: boolean;
}

export interface LimitFacts {
  readonly cgroupV2: boolean;
  /** The kernel counts swap (v1: memory.memsw.* exist). */
  readonly swapAccounting: boolean;
  readonly memoryBytes: number;
  /** The host's vm.swappiness. */
  readonly swappiness: number;
  /** The cgroup file that weighs an instance's disk access; undefined: the kernel has none. */
  readonly diskWeight?: string | undefined;
  /** The kernel counts huge pages. */
  readonly hugePages?: boolean;
  /** CPUs of this host that are online. */
  readonly cpus: readonly number[];
  /** Those chosen for this instance when `limits.cpu` is a count. */
  readonly chosenCpus: readonly number[];
}

/** In the order in which the kernel accepts them on a running container. @throws AppError `invalid` naming the key */
export function cgroupSettings(config: Config, facts: LimitFacts): readonly CgroupSetting[] {
  return [
    ...cpuSettings(config, facts),
    ...memorySettings(config, facts),
    ...processSettings(config),
    ...diskSettings(config, facts),
    ...hugePageSettings(config, facts),
  ];
}

/** `limits.cpu` as a count ("2"); undefined when unset or a set of CPUs ("0-1", "3-3"). */
export function cpuCount(config: Config): number | undefined {
  const text = config['limits.cpu'] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * The CPUs for an instance that asked for `count`: those with the fewest instances pinned to them. Empty when it may
 * use all anyway.
 */
export function chooseCpus(
  count: number | undefined,
  cpus: readonly number[],
  pinned: readonly (readonly number[])[],
): readonly number[] {
  if (count === undefined || count >= cpus.length) return [];
  const load = (cpu: number) => pinned.filter(set => set.includes(cpu)).length;
  const byLoad = cpus.map(cpu => ({ cpu, load: load(cpu) })).sort((a, b) => a.load - b.load || a.cpu - b.cpu);
  return byLoad
    .slice(0, Math.max(1, count))
    .map(({ cpu }) => cpu)
    .sort((a, b) => a - b);
}

function cpuSettings(config: Config, facts: LimitFacts): readonly CgroupSetting[] {
  const { share, quota } = cpuAllowance(config['limits.cpu.allowance'] ?? '');
  const priority = cpuPriority(config['limits.cpu.priority'] ?? '');
  const allowed = allowedCpus(config, facts);
  const everywhere = allowed.length === facts.cpus.length;
  const set = setting('cpuset', 'cpuset.cpus', allowed.join(','), everywhere);
  if (facts.cgroupV2) {
    const weight = Math.max(1, share - (10 - priority));
    const max = quota ? `${quota.runUs} ${quota.periodUs}` : 'max 100000';
    return [set, setting('cpu', 'cpu.weight', String(weight), weight === 100), setting('cpu', 'cpu.max', max, !quota)];
  }
  const shares = Math.max(2, Math.round((share * 1024) / 100) - (10 - priority));
  return [
    set,
    setting('cpu', 'cpu.shares', String(shares), shares === 1024),
    ...(quota ? [setting('cpu', 'cpu.cfs_period_us', String(quota.periodUs), false)] : []),
    setting('cpu', 'cpu.cfs_quota_us', quota ? String(quota.runUs) : '-1', !quota),
  ];
}

function allowedCpus(config: Config, facts: LimitFacts): readonly number[] {
  const text = config['limits.cpu'] ?? '';
  if (text === '' || cpuCount(config) !== undefined) {
    return facts.chosenCpus.length > 0 ? facts.chosenCpus : facts.cpus;
  }
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) {
    fail('invalid', `Invalid value for "limits.cpu": "${text}" (a count such as 2, or CPUs such as 0-1,3)`);
  }
  const wished = cpuSet(text);
  const missing = wished.filter(cpu => !facts.cpus.includes(cpu));
  if (missing.length > 0) {
    fail('invalid', `limits.cpu asks for CPU ${missing.join(', ')}; this host has ${facts.cpus.join(', ')}`);
  }
  return wished;
}

/** "50%": half the usual share when CPUs are short; "25ms/100ms": never more than that. */
function cpuAllowance(text: string): { share: number; quota?: { runUs: number; periodUs: number } } {
  if (text === '') return { share: 100 };
  const share = /^(\d+)%$/.exec(text);
  if (share) return { share: Number(share[1]) };
  const hard = /^(\d+)ms\/(\d+)ms$/.exec(text);
  if (hard) return { share: 100, quota: { runUs: Number(hard[1]) * 1000, periodUs: Number(hard[2]) * 1000 } };
  return fail('invalid', `Invalid value for "limits.cpu.allowance": "${text}" (examples: 50%, 25ms/100ms)`);
}

function cpuPriority(text: string): number {
  if (text === '') return 10;
  if (!/^(\d|10)$/.test(text)) fail('invalid', `Invalid value for "limits.cpu.priority": "${text}" (0 to 10)`);
  return Number(text);
}

function memorySettings(config: Config, facts: LimitFacts): readonly CgroupSetting[] {
  const limit = memoryLimit(config['limits.memory'] ?? '', facts.memoryBytes);
  const soft = config['limits.memory.enforce'] === 'soft';
  const hardLimit = soft ? undefined : limit;
  const softLimit = soft ? limit : undefined;
  const noSwap = config['limits.memory.swap'] !== undefined && !isTrue(config['limits.memory.swap']);
  const amount = (bytes: number | undefined, none: string) => (bytes === undefined ? none : String(bytes));
  const swapPriority = Number(config['limits.memory.swap.priority'] || 10);
  if (facts.cgroupV2) {
    if (swapPriority !== 10)
      fail(
        'unsupported',
        'limits.memory.swap.priority: the kernel of this host (cgroup v2) has no swappiness of an instance',
      );
    return [
      setting('memory', 'memory.high', amount(softLimit, 'max'), softLimit === undefined),
      setting('memory', 'memory.max', amount(hardLimit, 'max'), hardLimit === undefined),
      setting('memory', 'memory.swap.max', noSwap ? '0' : 'max', !noSwap),
    ];
  }
  const swappiness = noSwap ? 0 : Math.min(100, facts.swappiness + 4 * (10 - swapPriority));
  // memsw (memory plus swap) may never be below the memory limit, so it makes way first and is set last.
  const both = noSwap ? hardLimit : undefined;
  return [
    ...(facts.swapAccounting ? [setting('memory', 'memory.memsw.limit_in_bytes', '-1', true)] : []),
    setting('memory', 'memory.soft_limit_in_bytes', amount(softLimit, '-1'), softLimit === undefined),
    setting('memory', 'memory.limit_in_bytes', amount(hardLimit, '-1'), hardLimit === undefined),
    ...(facts.swapAccounting && both !== undefined
      ? [setting('memory', 'memory.memsw.limit_in_bytes', String(both), false)]
      : []),
    setting('memory', 'memory.swappiness', String(swappiness), swappiness === facts.swappiness),
  ];
}

function memoryLimit(text: string, hostBytes: number): number | undefined {
  if (text === '') return undefined;
  const percent = /^(\d+)%$/.exec(text);
  return percent ? Math.floor((hostBytes * Number(percent[1])) / 100) : parseBytes('limits.memory', text);
}

function processSettings(config: Config): readonly CgroupSetting[] {
  const text = config['limits.processes'] ?? '';
  if (text !== '' && !/^[1-9]\d*$/.test(text)) {
    fail('invalid', `Invalid value for "limits.processes": "${text}" (a whole number)`);
  }
  return [setting('pids', 'pids.max', text === '' ? 'max' : text, text === '')];
}

/** 10 to 1000, LXD's reading of the ten steps; 100 is what everybody has who says nothing. */
function diskSettings(config: Config, facts: LimitFacts): readonly CgroupSetting[] {
  const priority = config['limits.disk.priority'] || '';
  if (facts.diskWeight === undefined) {
    if (priority !== '')
      fail('unsupported', "limits.disk.priority: this host's kernel does not weigh disk access (BFQ)");
    return [];
  }
  const weight = priority === '' ? DEFAULT_WEIGHT : Math.max(10, Number(priority) * 100);
  return [setting(facts.cgroupV2 ? 'io' : 'blkio', facts.diskWeight, String(weight), weight === DEFAULT_WEIGHT)];
}

/** Of a fresh cgroup, for the kernel. */
const DEFAULT_WEIGHT = 100;

function hugePageSettings(config: Config, facts: LimitFacts): readonly CgroupSetting[] {
  return ['64KB', '1MB', '2MB', '1GB'].flatMap(page => {
    const key = `limits.hugepages.${page}`;
    const text = config[key] || '';
    if (!facts.hugePages && text !== '') fail('unsupported', `${key}: this host's kernel does not count huge pages`);
    if (text === '') return []; // lifted at the next start: a host has not all sizes
    const file = facts.cgroupV2 ? `hugetlb.${page}.max` : `hugetlb.${page}.limit_in_bytes`;
    return [setting('hugetlb', file, String(parseBytes(key, text)), false)];
  });
}

const setting = (
  controller: CgroupSetting['controller'],
  file: string,
  value: string,
  unlimited: boolean,
): CgroupSetting => ({ controller, file, value, unlimited });
