/** Memory of processes that stand still, read through /proc: nobody in them notices, and they keep it. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { fail } from '../../../domain/errors.ts';
import { PAGE_BYTES, type PageRange } from './page-request.ts';

export interface TaskMemory {
  /** @throws AppError `not-found` if the process is gone, or has nothing there */
  read(range: PageRange): Buffer;
  close(): void;
}

/** @param members pids of the container's processes in this host's numbers */
export function openTaskMemory(members: readonly number[]): TaskMemory {
  const hostPids = new Map(members.flatMap(pid => innermostPid(pid).map(inner => [inner, pid] as const)));
  const open = new Map<number, number>();

  const descriptorOf = (pid: number): number => {
    const known = open.get(pid);
    if (known !== undefined) return known;
    const hostPid = hostPids.get(pid) ?? fail('not-found', `process ${pid} of the instance is gone`);
    const descriptor = openSync(`/proc/${hostPid}/mem`, 'r');
    open.set(pid, descriptor);
    return descriptor;
  };

  return {
    read({ pid, address, pages }) {
      const data = Buffer.allocUnsafeSlow(pages * PAGE_BYTES);
      const descriptor = descriptorOf(pid);
      for (let filled = 0; filled < data.length; ) {
        const read = readSync(descriptor, data, filled, data.length - filled, address + filled);
        if (read === 0) fail('not-found', `process ${pid} of the instance has ended`);
        filled += read;
      }
      return data;
    },
    close() {
      for (const descriptor of open.values()) closeSync(descriptor);
      open.clear();
    },
  };
}

/** Its number in its own pid namespace; none if it is gone. */
function innermostPid(pid: number): readonly number[] {
  try {
    const numbers = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/);
    return numbers === undefined ? [] : [Number(numbers.at(-1))];
  } catch {
    return [];
  }
}
