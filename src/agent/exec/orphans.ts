/**
 * Ends commands whose agent died: nobody reads them any more, and nobody else would ever end them. Called when an agent
 * starts, so whatever lxc-attach works on its containers is such an orphan.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf } from '../lxc/look.ts';

/** @returns how many there were */
export function endOrphanedCommands(lxcPath: string): number {
  const mine = `lxc-attach\0-P\0${lxcPath}\0`;
  const pids = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && commandLine(name).startsWith(mine))
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

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
