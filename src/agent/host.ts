/** The parts of one agent that its verbs share: opened once by `open-agent.ts`, handed to each verb as a whole. */
import type { Clock } from '../kit/clock.ts';
import type { RunConfig } from './agent-config.ts';
import type { Cgroups } from './cgroups.ts';
import type { CriuCapability } from './criu/probe.ts';
import type { DiskUsage } from './disk-usage.ts';
import type { FileDoors } from './files/door.ts';
import type { HostFacts } from './host-facts.ts';
import type { Images } from './images.ts';
import type { InstanceLocks } from './instance-lock.ts';
import type { Ledger } from './ledger.ts';
import type { MemoryModes } from './move/memory-modes.ts';
import type { PaceBook } from './move/pace-file.ts';
import type { Networks } from './networks/networks.ts';
import type { Paths } from './paths.ts';
import type { Pools } from './pools.ts';
import type { Runtime } from './runtime.ts';
import type { StateFolders } from './snapshots/state-folders.ts';

export interface Host {
  readonly config: RunConfig;
  readonly paths: Paths;
  readonly facts: HostFacts;
  readonly cgroups: Cgroups;
  readonly ledger: Ledger;
  readonly runtime: Runtime;
  readonly pools: Pools;
  readonly networks: Networks;
  readonly images: Images;
  readonly locks: InstanceLocks;
  readonly states: StateFolders;
  readonly diskUsage: DiskUsage;
  readonly fileDoors: FileDoors;
  readonly clock: Clock;
  /** What a real dump and restore on this host said; asked once, the first call waits for it. */
  readonly criu: () => Promise<CriuCapability>;
  readonly criuPath: string;
  /** How fast it moves instances. */
  readonly pace: PaceBook;
  /** How memory may travel; asked once, the first call waits for it. */
  readonly memoryModes: () => Promise<MemoryModes>;
  /** Is a move at work on it? Then no other verb may touch it. */
  readonly isMoving: (id: string) => boolean;
}
