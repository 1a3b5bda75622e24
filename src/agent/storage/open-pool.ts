/** The one door to storage: a pool by its driver and the folder where it is mounted. */
import type { PoolDriver } from '../../domain/storage-pool.ts';
import { btrfsTrees } from './btrfs.ts';
import { dirTrees } from './dir.ts';
import type { StorageDriver } from './driver.ts';
import { openFolderPool } from './folder-pool.ts';

const OPEN = {
  dir: source => openFolderPool('dir', source, dirTrees),
  btrfs: source => openFolderPool('btrfs', source, btrfsTrees),
} as const satisfies Record<PoolDriver, (source: string) => Promise<StorageDriver>>;

/**
 * Opens a pool once per agent, and clears away what a crash left half-done in it.
 * @throws `not-found` if the folder is missing, `unsupported` if it is not made for this driver.
 */
export const openPool = (driver: PoolDriver, source: string): Promise<StorageDriver> => OPEN[driver](source);
