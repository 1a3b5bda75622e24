/**
 * Takes a slot's cluster away, in whatever state it is: found by marks and names, not by what anybody remembers, so it
 * works after a crash at any point and does nothing where nothing is. Ends without mercy: its data goes too.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/agent/command.ts';
import { type Layout, layoutOf, SLOT_COUNT, slotOfName } from './layout.ts';
import { namespaces, namespacesOf, removeNetwork } from './network.ts';
import { processesOf, signalPid } from './process.ts';
import { adoptSlot, claimThisSlot, isAbandoned, listSlots, releaseSlot, type SlotRecord } from './slot.ts';
import { until } from './until.ts';

/** Processes, containers, mounts, loop devices, namespaces and cgroups of `slot`; not its folder. */
async function removeSlot(slot: number): Promise<void> {
  const layout = layoutOf(slot);
  await killAll(layout);
  await removeNetwork(layout);
  await removeCgroups(layout);
}

/** All of a cluster: what `removeSlot` does, its loop devices, its folder (but for `keep` in it), and its slot. */
export async function removeCluster(record: SlotRecord, keep: readonly string[] = []): Promise<void> {
  await removeSlot(record.slot);
  await releaseLoops(record.dir);
  emptyFolder(record.dir, keep);
  releaseSlot(record.slot);
}

/** What is left of clusters that nobody will take down any more. `all`: also of those that are still in use. */
export async function removeLeftovers(all: boolean): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const record of listSlots().filter(each => all || isAbandoned(each) || isDead(each))) {
    adoptSlot(record);
    await removeCluster(record);
    removed.push(`cluster in ${record.dir}`);
  }
  for (const slot of strayedSlots()) {
    if (claimThisSlot(slot, NOWHERE) === undefined) continue; // a cluster in use
    await removeSlot(slot);
    releaseSlot(slot);
    removed.push(`what was left of slot ${slot}`);
  }
  return removed;
}

/** Marks `dir` as ours to empty. Throws if it holds something that is not ours. */
export function adoptFolder(dir: string): void {
  const marker = join(dir, MARKER);
  if (existsSync(marker)) return;
  if (readdirSync(dir).length > 0)
    throw new Error(`${dir} holds files that are not a local cluster's: name an empty folder`);
  writeFileSync(marker, 'Berth keeps a local cluster here; "npm run dev -- down" empties this folder.\n');
}

/** The folder of a cluster whose record is lost. */
const NOWHERE = '/nonexistent';

/** In a folder that holds a local cluster, and only there, everything may be deleted. */
const MARKER = '.berth-cluster';

/** Deletes the folder of a cluster, or all in it but `keep`; does nothing to any other folder. */
export function emptyFolder(dir: string, keep: readonly string[] = []): void {
  if (!existsSync(join(dir, MARKER))) return;
  const left = readdirSync(dir).filter(name => name !== MARKER && !keep.includes(name));
  for (const name of left) rmSync(join(dir, name), { recursive: true, force: true });
  if (keep.some(name => existsSync(join(dir, name)))) return;
  rmSync(join(dir, MARKER));
  rmdirSync(dir);
}

async function killAll(layout: Layout): Promise<void> {
  await until(`the processes of slot ${layout.slot} to end`, 10_000, () => {
    const cgroups = cgroupsOf(layout);
    for (const cgroup of cgroups) thaw(cgroup);
    const pids = new Set([...processesOf(layout.slot, namespacesOf(layout)), ...cgroups.flatMap(processesIn)]);
    for (const pid of pids) signalPid(pid, 'SIGKILL');
    return pids.size === 0 ? true : undefined;
  });
}

/** Nothing of a detached cluster runs: the machine was restarted, or it was killed piece by piece. */
export function isDead(record: SlotRecord): boolean {
  return record.owner === 'detached' && processesOf(record.slot, namespacesOf(layoutOf(record.slot))).length === 0;
}

function strayedSlots(): readonly number[] {
  const names = [...namespaces(), ...hierarchies().flatMap(hierarchy => readdirSync(hierarchy))];
  const found = new Set(names.map(slotOfName));
  return Array.from({ length: SLOT_COUNT }, (_, slot) => slot).filter(slot => found.has(slot));
}

/** A loop device frees itself with its last mount; one that was never mounted does not. */
async function releaseLoops(dir: string): Promise<void> {
  await until(`the loop devices of ${dir}`, 5000, async () => {
    const ours = readdirSync('/sys/block').filter(device => backingFile(device).startsWith(`${dir}/`));
    for (const device of ours) await run('losetup', ['-d', `/dev/${device}`], { allowFailure: true });
    return ours.length === 0 ? true : undefined;
  });
}

function backingFile(device: string): string {
  return contents(`/sys/block/${device}/loop/backing_file`);
}

async function removeCgroups(layout: Layout): Promise<void> {
  await until(`the cgroups of slot ${layout.slot}`, 5000, () => {
    const left = cgroupsOf(layout);
    for (const cgroup of [...left].reverse()) removeFolder(cgroup); // children come after their parents
    return left.length === 0 ? true : undefined;
  });
}

/** The slot's cgroups in every hierarchy, parents first. */
function cgroupsOf(layout: Layout): readonly string[] {
  return hierarchies().flatMap(hierarchy => withChildren(join(hierarchy, layout.cgroup)));
}

/** Where the cgroup hierarchies are mounted: the one of v2, or each of v1 (of which some are links to another). */
function hierarchies(): readonly string[] {
  const root = '/sys/fs/cgroup';
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(root, entry.name));
}

function withChildren(cgroup: string): string[] {
  try {
    const children = readdirSync(cgroup, { withFileTypes: true }).filter(entry => entry.isDirectory());
    return [cgroup, ...children.flatMap(child => withChildren(join(cgroup, child.name)))];
  } catch {
    return []; // gone
  }
}

function processesIn(cgroup: string): readonly number[] {
  return contents(join(cgroup, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
}

/** A frozen process of a v1 hierarchy does not even die. */
function thaw(cgroup: string): void {
  const state = join(cgroup, 'freezer.state');
  if (contents(state).startsWith('FR')) writeFileSync(state, 'THAWED');
}

function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // busy a moment longer, or gone
  }
}

function contents(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
