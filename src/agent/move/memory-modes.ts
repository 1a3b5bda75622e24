/** Which ways for memory to travel this host's kernel allows. Asked once: it changes with a sysctl or a reboot only. */
import { readFileSync } from 'node:fs';
import { formatBytes } from '../../domain/size.ts';
import { run } from '../command.ts';

/** Why not, for a person; '' = it can. */
export interface MemoryModes {
  readonly noPostCopy: string;
  readonly noPreCopy: string;
}

/** CRIU keeps what is not sent yet in pipes of this size; with smaller ones it runs out of descriptors. */
const PIPE_BYTES = 4 * 2 ** 20;

export async function memoryModes(criu: string | undefined): Promise<MemoryModes> {
  if (criu === undefined) return { noPostCopy: 'there is no CRIU', noPreCopy: 'there is no CRIU' };
  const can = async (feature: string): Promise<boolean> => {
    const options = { timeoutMs: 20_000, allowFailure: true };
    return (await run(criu, ['check', '--feature', feature], options).catch(() => undefined))?.code === 0;
  };
  return {
    noPostCopy: (await can('uffd-noncoop'))
      ? noFaults() || smallPipes()
      : 'its kernel cannot hand page faults to CRIU (userfaultfd)',
    noPreCopy: (await can('mem_dirty_track')) ? smallPipes() : 'its kernel does not track writes (soft-dirty)',
  };
}

const noFaults = (): string =>
  sysctl('vm/unprivileged_userfaultfd') === 1 ? '' : 'sysctl vm.unprivileged_userfaultfd is not 1';

function smallPipes(): string {
  const bytes = sysctl('fs/pipe-max-size');
  return bytes >= PIPE_BYTES ? '' : `sysctl fs.pipe-max-size is ${formatBytes(bytes)}, not ${formatBytes(PIPE_BYTES)}`;
}

/** 0 where there is none. */
function sysctl(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'utf8'));
  } catch {
    return 0;
  }
}
