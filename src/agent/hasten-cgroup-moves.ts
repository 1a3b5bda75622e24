/**
 * Whoever moves a task between cgroups waits until every CPU has seen that somebody does (an RCU grace period: 7 to 20 ms on
 * an idle host), but not when somebody else did a moment before. lxc-attach and lxc-start move themselves after some
 * milliseconds of other work: so the agent moves itself, to where it is, as soon as it knows that one of them will be needed.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountsOf } from './cgroups.ts';

const own = ownProcs();

/** Returns at once; best effort, because nothing but time depends on it. */
export function hastenCgroupMoves(): void {
  if (own !== undefined) void writeFile(own, '0').catch(() => {});
}

/** `cgroup.procs` of the agent's own cgroup in the first hierarchy that has controllers, or in v2. */
function ownProcs(): string | undefined {
  try {
    const lines = readFileSync('/proc/self/cgroup', 'utf8').trimEnd().split('\n');
    const mounts = mountsOf(readFileSync('/proc/self/mountinfo', 'utf8'));
    for (const { point, type, controllers } of mounts) {
      const line = lines.find(each =>
        type === 'cgroup2' ? each.startsWith('0::') : each.split(':')[1] === controllers.join(','),
      );
      if (line !== undefined) return join(point, line.slice(line.indexOf(':', 3) + 1), 'cgroup.procs');
    }
  } catch {
    // no cgroups to be seen
  }
  return undefined;
}
