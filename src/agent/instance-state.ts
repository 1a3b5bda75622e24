/** What an instance uses now, for `info` and `list`. Counters are read from cgroups and /sys: no process is started. */
import { readCgroup } from './cgroups.ts';
import type { Host } from './host.ts';
import type { LedgerEntry } from './ledger.ts';
import { nicStates } from './nic/nic-state.ts';
import { planNics } from './nic/plan.ts';
import { rootDisk } from './spec.ts';
import { instanceVolume } from './storage/volume.ts';

export async function instanceState(host: Host, { spec, pool }: LedgerEntry) {
  const root = rootDisk(spec.devices);
  const bytes = await host.diskUsage.of(spec.id, () => host.pools.get(pool).usageBytes(instanceVolume(spec.id)));
  const disk = root && bytes !== undefined ? { [root.name]: BigInt(bytes) } : {};
  const { pid } = host.runtime.look(spec.id);
  if (pid === 0) return { diskBytes: disk };
  return { ...usage(host, spec.id), diskBytes: disk, nics: nicStates(pid, planNics(spec, host.config.bridge)) };
}

function usage({ cgroups }: Host, id: string) {
  const number = (controller: string, file: string): bigint => {
    const text = readCgroup(cgroups.payload(controller, id), file) ?? '';
    return /^\d+$/.test(text) ? BigInt(text) : 0n;
  };
  const processes = Number(number('pids', 'pids.current'));
  if (cgroups.v2) {
    const cpu = /^usage_usec (\d+)$/m.exec(readCgroup(cgroups.payload('cpu', id), 'cpu.stat') ?? '')?.[1] ?? '0';
    return {
      cpuNs: BigInt(cpu) * 1000n,
      memoryBytes: number('memory', 'memory.current'),
      memoryPeakBytes: number('memory', 'memory.peak'),
      swapBytes: number('memory', 'memory.swap.current'),
      swapPeakBytes: number('memory', 'memory.swap.peak'),
      processes,
    };
  }
  const memory = number('memory', 'memory.usage_in_bytes');
  const both = number('memory', 'memory.memsw.usage_in_bytes');
  return {
    cpuNs: number('cpuacct', 'cpuacct.usage'),
    memoryBytes: memory,
    memoryPeakBytes: number('memory', 'memory.max_usage_in_bytes'),
    swapBytes: both > memory ? both - memory : 0n,
    processes,
  };
}
