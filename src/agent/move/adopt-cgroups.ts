/**
 * Gives a restored container's cgroups to its root, as LXC does at a start and CRIU does not: without it a systemd
 * inside cannot start a service (219/CGROUP). Limits stay out of its reach: their files keep their owner.
 */
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cgroups } from '../cgroups.ts';
import type { IdMap } from '../storage/id-map.ts';

/** What an owner of a cgroup needs to make and fill cgroups below it; which of them exist depends on the hierarchy. */
const DELEGATED = ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control', 'tasks'];

/** Repeatable. */
export function adoptCgroups(cgroups: Cgroups, id: string, { base }: IdMap): void {
  for (const hierarchy of cgroups.hierarchies) {
    adopt(join(hierarchy, cgroups.prefix, `lxc.payload.${id}`), base, name => DELEGATED.includes(name));
  }
}

function adopt(folder: string, owner: number, isTheirs: (file: string) => boolean): void {
  if (!existsSync(folder)) return;
  chownSync(folder, owner, owner);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory())
      adopt(join(folder, entry.name), owner, () => true); // made by the guest
    else if (isTheirs(entry.name)) chownSync(join(folder, entry.name), owner, owner);
  }
}
