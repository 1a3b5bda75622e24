/**
 * Pools on btrfs: a tree is a subvolume, a copy is a snapshot (6 ms), limits are quota groups. Quotas are switched on
 * when the first limit is set, because they make every pool slower.
 */
import { lstat, statfs } from 'node:fs/promises';
import { fail } from '../../domain/errors.ts';
import { run } from '../command.ts';
import { deleteByIoctl, hasSubvolumes, snapshotByIoctl } from './btrfs-ioctl.ts';
import { dirTrees } from './dir.ts';
import type { TreeOps } from './tree-ops.ts';

/** From linux/magic.h. */
const BTRFS_SUPER_MAGIC = 0x9123683e;
/** Of the root of each subvolume, and of no other folder. */
const SUBVOLUME_INODE = 256;
/** A snapshot stops at a nested subvolume: what is inside would silently be missing. */
const NESTED =
  'It holds btrfs subvolumes of its own, which a snapshot leaves out: delete them inside the instance first';
const LONG_MS = 3_600_000;

export const btrfsTrees: TreeOps = {
  transferMethods: ['btrfs', 'tree'],
  copiesAreAtomic: true,

  async check(source) {
    const { type } = await statfs(source);
    if (type !== BTRFS_SUPER_MAGIC)
      fail('unsupported', `${source} is not on btrfs: mount one there, or use driver "dir"`);
  },

  async make(path) {
    await btrfs('subvolume', 'create', path);
  },

  async copy(from, to, { readOnly } = { readOnly: false }) {
    if (await hasNested(from)) fail('unsupported', NESTED);
    if (await snapshotByIoctl(from, to, readOnly)) return;
    await btrfs('subvolume', 'snapshot', ...(readOnly ? ['-r'] : []), from, to);
  },

  async remove(path) {
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) return;
    if (found.ino !== SUBVOLUME_INODE) return dirTrees.remove(path);
    if (await hasNested(path)) await deleteNested(path);
    if (await deleteByIoctl(path)) return;
    await btrfs('subvolume', 'delete', path);
  },

  async settle(path) {
    await btrfs('filesystem', 'sync', path);
  },

  async usageBytes(path) {
    const group = await quotaGroup(path);
    if (group !== undefined) return group.referencedBytes;
    const [total] = lastFields(await btrfs('filesystem', 'du', '-s', '--raw', path));
    return Number(total);
  },

  async setQuota(path, bytes) {
    if ((await quotaGroup(path)) === undefined) {
      if (bytes === undefined) return;
      await btrfs('quota', 'enable', path);
      await btrfs('quota', 'rescan', '-w', path);
    }
    await btrfs('qgroup', 'limit', bytes === undefined ? 'none' : String(bytes), path);
  },
};

async function btrfs(...args: string[]): Promise<string> {
  return (await run('btrfs', args, { timeoutMs: LONG_MS })).stdout;
}

/** Undefined while quotas are off. */
async function quotaGroup(path: string): Promise<{ readonly referencedBytes: number } | undefined> {
  const { code, stdout, stderr } = await run('btrfs', ['qgroup', 'show', '--raw', '-f', path], { allowFailure: true });
  if (code === 0) return { referencedBytes: Number(lastFields(stdout)[1]) };
  if (/quota.* not enabled/.test(stderr)) return undefined;
  return fail('internal', `btrfs qgroup show ${path}: ${stderr.trim()}`);
}

const lastFields = (table: string): string[] => table.trim().split('\n').at(-1)!.trim().split(/\s+/);

/** Has it subvolumes that were made inside the instance (Docker does)? */
async function hasNested(path: string): Promise<boolean> {
  return (await hasSubvolumes(path)) ?? (await btrfs('subvolume', 'list', '-o', path)).trim() !== '';
}

/** Deepest first. */
async function deleteNested(path: string): Promise<void> {
  const each = ['-exec', 'btrfs', 'subvolume', 'delete', '{}', ';'];
  await run('find', [path, '-mindepth', '1', '-depth', '-type', 'd', '-inum', String(SUBVOLUME_INODE), ...each], {
    timeoutMs: LONG_MS,
  });
}
