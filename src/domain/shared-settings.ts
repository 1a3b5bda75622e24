/** Keys that the server has, and a project may have for itself: with their checks, and what counts where neither is set. */
import { COMPRESSIONS } from './backup.ts';
import { integer, oneOf, type ValueCheck } from './values.ts';

export const SHARED_SETTINGS = {
  'backups.compression_algorithm': 'gzip',
  'images.compression_algorithm': 'gzip',
  /** Days without use after which an image that a launch has fetched is deleted. */
  'images.remote_cache_expiry': '10',
} as const;
export type SharedSetting = keyof typeof SHARED_SETTINGS;

export const SHARED_CHECKS: Readonly<Record<SharedSetting, ValueCheck>> = {
  'backups.compression_algorithm': oneOf(...COMPRESSIONS),
  'images.compression_algorithm': oneOf(...COMPRESSIONS),
  'images.remote_cache_expiry': integer(0, 36_500),
};
