/** A storage pool: a place for root file systems that every host has under one name, each its own disk behind it. */
import type { Config } from './instance.ts';

export const POOL_DRIVERS = ['dir', 'btrfs'] as const;
export type PoolDriver = (typeof POOL_DRIVERS)[number];

/** Key `pools/<name>`; written by the storage API. */
export interface StoragePoolRecord {
  readonly name: string;
  readonly driver: PoolDriver;
  readonly description: string;
  readonly config: Config;
}
