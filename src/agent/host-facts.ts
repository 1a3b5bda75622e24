/** What this host is made of, as far as containers care. Read once; a changed host restarts its agent. */
import { existsSync, readFileSync } from 'node:fs';
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
}

export function readHostFacts(cgroups: Cgroups): HostFacts {
  return {
    cpus: cpuSet(readFileSync('/sys/devices/system/cpu/online', 'utf8').trim()),
    memoryBytes: totalmem(),
    swapAccounting: cgroups.hierarchies.some(point => existsSync(join(point, 'memory.memsw.limit_in_bytes'))),
    swappiness: Number(textOf('/proc/sys/vm/swappiness')),
    appArmor: textOf('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
  };
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
