/**
 * Copies of another process's userfaultfds. The kernel fills pages that nobody watches with zeros; as long as a copy is
 * open, a process that touches a page which has not come waits instead, even when the daemon is dead.
 */
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { descriptorOf } from '../../libc.ts';

/** Closes what is held. */
export type Release = () => void;

/** @throws AppError where the kernel cannot do it (before 5.6) */
export function holdFaults(pid: number): Release {
  const held = readdirSync(`/proc/${pid}/fd`)
    .filter(fd => linkOf(`/proc/${pid}/fd/${fd}`) === 'anon_inode:[userfaultfd]')
    .map(fd => descriptorOf(pid, Number(fd)));
  return () => {
    for (const descriptor of held.splice(0)) closeSync(descriptor);
  };
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
