/** What this host is made of, as far as containers care. Read once; a changed host restarts its agent. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { cpuSet } from '../domain/resources.ts';
import type { Cgroups } from './cgroups.ts';

export interface HostFacts {
  /** CPUs that are online. */
  readonly cpus: readonly number[];
  readonly memoryBytes: number;
  readonly swapAccounting: boolean;
  readonly swappiness: number;
  readonly appArmor: boolean;
  readonly diskWeight: string | undefined;
  readonly hugePages: boolean;
}

export function readHostFacts(cgroups: Cgroups): HostFacts {
  return {
    cpus: cpuSet(readFileSync('/sys/devices/system/cpu/online', 'utf8').trim()),
    memoryBytes: totalmem(),
    swapAccounting: cgroups.hierarchies.some(point => existsSync(join(point, 'memory.memsw.limit_in_bytes'))),
    swappiness: Number(textOf('/proc/sys/vm/swappiness')),
    diskWeight: diskWeightFile(cgroups),
    hugePages: cgroups.controllers.includes('hugetlb'),
    appArmor: textOf('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
  };
}

/** Of a cgroup below the top: the top has no weight. Any that is there tells what a new one will have. */
function diskWeightFile({ v2, hierarchies }: Cgroups): string | undefined {
  const files = v2 ? ['io.weight', 'io.bfq.weight'] : ['blkio.bfq.weight', 'blkio.weight'];
  for (const point of hierarchies)
    for (const { name } of readdirSync(point, { withFileTypes: true }).filter(each => each.isDirectory())) {
      const found = files.find(file => existsSync(join(point, name, file)));
      if (found !== undefined) return found;
    }
  return undefined;
}

/** The /proc files that tell a container about its own limits; those that CRIU was seen to restore. */
const LXCFS_FILES = ['cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'stat', 'swaps', 'uptime'];

/** Name under /proc -> path in lxcfs; empty where lxcfs is not mounted. Asked at every start: lxcfs may come later. */
export function lxcfsFiles(folder: string): Readonly<Record<string, string>> {
  const found = LXCFS_FILES.map(name => [name, join(folder, 'proc', name)] as const).filter(([, path]) =>
    existsSync(path),
  );
  return Object.fromEntries(found);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
