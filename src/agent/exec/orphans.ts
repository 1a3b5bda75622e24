/**
 * Ends commands whose agent died: nobody reads them any more, and nobody else would ever end them. Called when an agent
 * starts, so whatever lxc-attach works on its containers is such an orphan. Several hosts on one machine may call their
 * folders the same; each has a network namespace of its own, which tells theirs from ours.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { childrenOf } from '../lxc/look.ts';

/** @returns how many there were */
export function endOrphanedCommands(lxcPath: string): number {
  const mine = `lxc-attach\0-P\0${lxcPath}\0`;
  const here = networkOf('self');
  const pids = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && commandLine(name).startsWith(mine) && networkOf(name) === here)
    .map(Number);
  const attached = pids.flatMap(childrenOf).filter(pid => !pids.includes(pid));
  for (const pid of attached) kill(-pid) || kill(pid);
  if (attached.length === 0) for (const pid of pids) kill(pid); // else it reaps its command and ends by itself
  return pids.length;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function networkOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
