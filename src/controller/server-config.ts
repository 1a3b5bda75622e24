/** Settings of the whole cluster, with their defaults. The record is written by the API (`PUT /1.0`). */
import type { Compression } from '../domain/backup.ts';
import type { Config } from '../domain/instance.ts';
import { SHARED_SETTINGS, type SharedSetting } from '../domain/shared-settings.ts';
import type { View } from '../store/view.ts';
import { PROJECTS, SERVER } from './spaces.ts';

export interface ServerConfigRecord {
  readonly config: Config;
}

/** Numbers that core reads from the server's config; a value that is no number counts as not set. */
export const CLUSTER_SETTINGS = {
  /** How much more CPU than it has a host may promise. Limits are maxima that are rarely used all at once. */
  'cluster.overcommit.cpu': 4,
  /** Memory is different: who is promised too much of it gets killed. */
  'cluster.overcommit.memory': 1,
  /** Seconds without a word from its agent until a node counts as offline. */
  'cluster.offline_threshold': 10,
  /** Moves that a host takes part in at once, giving or taking, when hosts are emptied or filled again. */
  'cluster.moves.per_host': 2,
  /** The same in the whole cluster. */
  'cluster.moves.total': 4,
} as const;

export function clusterSetting(view: View, key: keyof typeof CLUSTER_SETTINGS): number {
  const text = view.get(SERVER.key('config'))?.value.config[key] ?? '';
  const value = text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && value > 0 ? value : CLUSTER_SETTINGS[key];
}

/** The project's, else the server's, else the default. */
export function sharedSetting(view: Pick<View, 'get'>, project: string, key: SharedSetting): string {
  const own = view.get(PROJECTS.key(project))?.value.config[key];
  return own || view.get(SERVER.key('config'))?.value.config[key] || SHARED_SETTINGS[key];
}

/** Of `sent`, or what is set for the project: one of the algorithms, for settings are checked. */
export function compressionOf(
  view: Pick<View, 'get'>,
  project: string,
  of: 'backups' | 'images',
  sent: Compression | undefined,
): Compression {
  return sent ?? (sharedSetting(view, project, `${of}.compression_algorithm`) as Compression);
}
