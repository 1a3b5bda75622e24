/** A snapshot: an instance's disk at one moment, with or without its memory and processes, and what it was configured to be. */
import type { Config, Devices } from './instance.ts';

/** Key `snapshots/<instance id>/<name>`; written by sagas, under the instance's lock. */
export interface SnapshotRecord {
  /** UUID; hosts know the snapshot by it, so that renaming touches no host. */
  readonly id: string;
  /** Id of the instance. */
  readonly instance: string;
  readonly name: string;
  /** `creating` until the pivot of its creation. */
  readonly phase: 'creating' | 'ready' | 'deleting';
  /** Its host keeps memory and processes of that moment, too. */
  readonly stateful: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601; '' = never. */
  readonly expiresAt: string;
  /** ISO 8601: the time of its schedule that it was taken for; absent: somebody asked for it. */
  readonly scheduledFor?: string;
  /** The instance as it was: own keys only, `volatile.*` included. */
  readonly was: {
    readonly architecture: string;
    readonly description: string;
    readonly config: Config;
    readonly devices: Devices;
    readonly profiles: readonly string[];
    readonly ephemeral: boolean;
    readonly lastUsedAt?: string;
  };
}
