/**
 * The folder behind a pool that is not ready-made on this host: an existing folder as `source`, a folder of our own, or
 * for btrfs a file with a file system in it, mounted through a loop device.
 */
import { mkdir, open, readFile, rename, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../domain/errors.ts';
import type { Config } from '../domain/instance.ts';
import { parseBytes } from '../domain/size.ts';
import { run } from './command.ts';
import type { Paths } from './paths.ts';

interface Pool {
  readonly name: string;
  readonly driver: string;
  readonly config: Config;
}

const GIB = 2 ** 30;

/** Returns the mounted folder; repeatable, also after a reboot of the host. */
export async function mountPool(paths: Paths, pool: Pool): Promise<string> {
  const { source = '' } = pool.config;
  if (source.startsWith('/')) {
    const isFolder = (await stat(source).catch(() => undefined))?.isDirectory();
    if (!isFolder) fail('invalid', `storage pool ${pool.name}: source ${source} is not a folder on this host`);
    return source;
  }
  const folder = join(paths.pools, pool.name);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  if (pool.driver === 'btrfs' && !(await isMounted(folder))) {
    const image = await diskImage(paths, pool);
    await run('mount', ['-t', 'btrfs', '-o', 'loop,noatime,user_subvol_rm_allowed', image, folder]);
  }
  return folder;
}

/** Undoes the mount; the file with the data stays. */
export async function unmountPool(paths: Paths, pool: Pool): Promise<void> {
  const folder = join(paths.pools, pool.name);
  if (await isMounted(folder)) await run('umount', [folder]);
}

/** A sparse file with a btrfs: of `size`, else a fifth of the free disk but 5 to 30 GiB, as LXD has it. */
async function diskImage(paths: Paths, pool: Pool): Promise<string> {
  const image = join(paths.pools, `${pool.name}.img`);
  if (await stat(image).catch(() => undefined)) return image;
  const { bavail, bsize } = await statfs(paths.pools);
  const bytes = pool.config.size
    ? parseBytes('size', pool.config.size)
    : Math.min(30 * GIB, Math.max(5 * GIB, Math.floor((bavail * bsize) / 5)));
  const unfinished = `${image}.new`;
  const file = await open(unfinished, 'w', 0o600);
  await file.truncate(bytes);
  await file.close();
  await run('mkfs.btrfs', ['--force', '--quiet', '--label', pool.name, unfinished]);
  await rename(unfinished, image);
  return image;
}

async function isMounted(folder: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').some(line => line.split(' ')[4] === folder);
}
