/**
 * Copies of another process's userfaultfds. The kernel fills pages that nobody watches with zeros; as long as a copy is
 * open, a process that touches a page which has not come waits instead, even when the daemon is dead.
 */
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { descriptorOf, isSameFile } from '../../libc.ts';

export interface HeldFaults {
  /**
   * Closes copies of what the daemon has closed, alive, because all pages of a process are there: a process that touches
   * new memory would wait for ever otherwise, and the daemon, which hears of it but cannot read it, would spin.
   */
  giveBack(): void;
  close(): void;
}

/** @throws AppError where the kernel cannot do it (before 5.6) */
export function holdFaults(pid: number): HeldFaults {
  let held = descriptorsOf(pid)
    .filter(fd => linkOf(`/proc/${pid}/fd/${fd}`) === 'anon_inode:[userfaultfd]')
    .map(fd => ({ fd: Number(fd), copy: descriptorOf(pid, Number(fd)) }));
  const close = (these: typeof held): void => {
    held = held.filter(each => !these.includes(each));
    for (const { copy } of these) closeSync(copy);
  };
  return {
    giveBack() {
      const closed = held.filter(({ fd, copy }) => !isSameFile(pid, fd, copy));
      // Looked at last: one that dies has no descriptors any more before it closes the first of them.
      if (closed.length > 0 && descriptorsOf(pid).length > 0) close(closed);
    },
    close: () => close(held),
  };
}

/** None: it is dead. */
function descriptorsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
