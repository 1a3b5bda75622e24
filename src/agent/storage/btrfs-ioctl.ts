/**
 * Snapshots by the kernel's own calls, for the moments in which an instance stands still: starting the `btrfs` program takes
 * longer than what it does. Each says whether the kernel did it; if not, the program is asked, which can say why.
 * Numbers and layouts: linux/btrfs.h.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { ioctlAside } from '../libc.ts';

/** All three take a structure of a page: 1 << 30 "written to the kernel", 1 << 31 "read from it". */
const PAGE = 4096;
const SNAP_CREATE_V2 = 0x5000_9417;
const SNAP_DESTROY = 0x5000_940f;
const GET_SUBVOL_ROOTREF = 0xd000_943d;
const READ_ONLY = 1n << 1n;

/** struct btrfs_ioctl_vol_args_v2: descriptor, transaction, flags, 4 unused words, name. */
const [V2_FLAGS, V2_NAME] = [16, 56];
/** struct btrfs_ioctl_vol_args: descriptor, name. */
const V1_NAME = 8;
/** struct btrfs_ioctl_get_subvol_rootref_args: first id, 255 pairs of ids, how many. */
const ROOTREF_COUNT = 8 + 255 * 16;

/** Makes `to` a snapshot of the subvolume `from`. */
export function snapshotByIoctl(from: string, to: string, readOnly: boolean): Promise<boolean> {
  return withFolders([dirname(to), from], ([into, source]) => {
    const words = Buffer.alloc(PAGE);
    words.writeBigInt64LE(BigInt(source!), 0);
    words.writeBigUInt64LE(readOnly ? READ_ONLY : 0n, V2_FLAGS);
    words.write(basename(to), V2_NAME);
    return ioctlAside(into!, SNAP_CREATE_V2, words);
  });
}

/** Removes the subvolume `path`; its extents are given back later. */
export function deleteByIoctl(path: string): Promise<boolean> {
  return withFolders([dirname(path)], ([parent]) => {
    const words = Buffer.alloc(PAGE);
    words.write(basename(path), V1_NAME);
    return ioctlAside(parent!, SNAP_DESTROY, words);
  });
}

/** Are there subvolumes in the subvolume `path`? Undefined: the kernel does not say. */
export async function hasSubvolumes(path: string): Promise<boolean | undefined> {
  let count = 0;
  const told = await withFolders([path], async ([folder]) => {
    const words = Buffer.alloc(PAGE);
    const done = await ioctlAside(folder!, GET_SUBVOL_ROOTREF, words);
    count = words.readUInt8(ROOTREF_COUNT);
    return done;
  });
  return told ? count > 0 : undefined;
}

async function withFolders(
  paths: readonly string[],
  work: (descriptors: readonly number[]) => Promise<boolean>,
): Promise<boolean> {
  const descriptors: number[] = [];
  try {
    for (const path of paths) descriptors.push(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
    return await work(descriptors);
  } catch {
    return false; // one is not there, and the program will say it
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}
