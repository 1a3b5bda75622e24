/**
 * Ends whatever is still at work for a dump or restore: lxc-checkpoint, CRIU, its hooks, the pager, and processes that it
 * has begun to restore. CRIU cleans up after itself only when it is let; when it was killed, its children wait for ever.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Looks at every process of the host. What a restore has brought to life is not found by this, but its LXC monitor is. */
export function endCheckpoint(folder: string): void {
  const mark = `BERTH_MOVE=${folder}`;
  for (const pid of readdirSync('/proc')) {
    if (/^\d+$/.test(pid) && environmentOf(pid).includes(mark)) kill(Number(pid));
  }
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // gone
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone
  }
}
