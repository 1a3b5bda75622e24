/** An instance: what the user asked for, who owns it, and what its host last saw. Three parts, three writers. */
import type { Placement } from './placement.ts';
import type { Requests } from './resources.ts';

export type Config = Readonly<Record<string, string>>;
export type Devices = Readonly<Record<string, Config>>;

/** What a user may wish an instance to be. */
export const WANTED = ['running', 'stopped', 'frozen'] as const;
export type Wanted = (typeof WANTED)[number];

/** What a host may see of it. `unknown`: its host is away. */
export const SEEN = ['running', 'stopped', 'frozen', 'error', 'unknown'] as const;
export type Seen = (typeof SEEN)[number];

/**
 * Key `instances/<project>/<name>`; written by sagas and the instance API through `controller/instances`, always
 * guarded by its revision.
 */
export interface InstanceRecord {
  /** UUID; never reused. The agent and LXC know the instance by it, so that renaming touches no host. */
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly type: 'container';
  readonly architecture: string;
  readonly description: string;
  /** Own keys only, profiles not merged in; `volatile.*` included. */
  readonly config: Config;
  readonly devices: Devices;
  readonly profiles: readonly string[];
  readonly ephemeral: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly lastUsedAt?: string;
  /** Fingerprint of the image it was made from; '' = none. */
  readonly image: string;
  readonly pool: string;
  /** `creating` until the pivot of its creation: invisible as running thing, swept if its saga dies. */
  readonly phase: 'creating' | 'ready' | 'deleting';
  /** Owner; '' while not placed. Changes only together with `generation`. */
  readonly node: string;
  /** Counts ownerships; 1 at creation. Agents refuse an older one. */
  readonly generation: number;
  readonly wanted: Wanted;
  /** It was stopped with its memory and processes, which its host keeps: the next start goes on with them. */
  readonly stateful?: boolean;
  /** What it holds on its node (and on `moving.to` while that is set). */
  readonly requests: Requests;
  readonly placement?: Placement;
  /** A move in progress: the target holds a reservation as well. */
  readonly moving?: {
    readonly operation: string;
    readonly to: string;
    /** Becomes the instance's own when it has moved. */
    readonly placement: Placement;
  };
}

/** Key `status/<id>`; written by the reconciler `observe` alone, from what agents report. */
export interface StatusRecord {
  readonly id: string;
  readonly node: string;
  readonly generation: number;
  readonly state: Seen;
  readonly pid: number;
  readonly detail: string;
  /** ms since the epoch. */
  readonly since: number;
}
