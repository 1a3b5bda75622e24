/** What a move needs of the rest of the agent: narrow, so that it can be read, and tested, by itself. */
import type { Clock } from '../../kit/clock.ts';
import type { Channel } from '../../rpc/data/channel.ts';
import type { DumpSubject } from '../criu/dump-command.ts';
import type { StateFolders } from '../snapshots/state-folders.ts';
import type { Spec } from '../spec.ts';
import type { IdMap } from '../storage/id-map.ts';
import type { TransferMethod, VolumeReceiver, VolumeSender } from '../storage/transfer.ts';
import type { MoveKey } from './key.ts';
import type { Sample } from './pace.ts';

/** A NIC as the bridge and the neighbours see it. */
export interface MoveNic {
  /** The host's end of the pair, and the bridge it belongs to. */
  readonly host: string;
  readonly bridge: string;
  /** Inside. */
  readonly name: string;
  readonly mac: string;
  /** To be announced when it has moved. */
  readonly addresses: readonly string[];
}

export interface Containers {
  /** LXC's own path; containers are named by the instance's id. */
  readonly lxcPath: string;
  /** What is true of it on this host now. */
  look(id: string): { readonly state: 'running' | 'frozen' | 'stopped'; readonly pid: number };
  /** What to tell CRIU of it; undefined where LXC tells it. */
  direct(id: string): Promise<DumpSubject | undefined>;
  thaw(id: string): Promise<void>;
  /** Ends what `exec` has open in it. Repeatable. */
  endSessions(id: string): Promise<void>;
  /** Keeps new TCP connections away, and waits a moment for those that no process holds yet or any more. Repeatable. */
  quiesce(id: string): Promise<void>;
  /** New connections may come again. Repeatable; never throws. */
  admit(id: string): Promise<void>;
  nics(spec: Spec): readonly MoveNic[];
  /** What a dump of it would hold now, about. */
  memoryBytes(id: string): number;
  /** Pids of its processes in this host's numbers. */
  members(id: string): readonly number[];
  /**
   * Target: writes what LXC needs, with its root at `rootfs`, and makes the veth pairs, up but in no bridge. Repeatable.
   * @returns path of the script that puts the NICs into a network namespace
   */
  prepare(spec: Spec, rootfs: string): Promise<string>;
  /** Puts the veths into their bridges. Repeatable. */
  attach(spec: Spec): Promise<void>;
  /** After a restore: what CRIU does not bring back, and LXC's files for the volume where it really is. Repeatable. */
  settle(spec: Spec): Promise<void>;
  /** Kills what runs of it, and removes veths, cgroups and LXC's files; the volume is not touched. Repeatable. */
  clear(spec: Spec): Promise<void>;
  /** Kills what runs of it, and nothing else. Repeatable. */
  kill(id: string): Promise<void>;
}

interface MoveOrder {
  /** One per move and instance, the same on both hosts. */
  readonly transfer: string;
  readonly spec: Spec;
}

/** The root volume of an instance, wherever its pool is. */
export interface Volumes {
  /** How this host stores the owners of the instance's files: undefined when it is privileged. */
  idMap(spec: Spec): IdMap | undefined;
  methods(spec: Spec): readonly TransferMethod[];
  /** Names of its snapshots. */
  snapshots(spec: Spec): Promise<readonly string[]>;
  sender(order: MoveOrder, method: TransferMethod): Promise<VolumeSender>;
  receiver(order: MoveOrder, method: TransferMethod): Promise<VolumeReceiver>;
  /** Path of its tree. */
  activate(spec: Spec): Promise<string>;
}

export interface DataToken {
  readonly token: string;
  readonly address: string;
}

export interface DataLink {
  /** Opens a stream of kind `move` on another host. */
  dial(token: DataToken): Promise<Channel>;
  /** A permission for one stream of kind `move` to this host, for this move. */
  issue(params: Readonly<Record<string, string>>): DataToken;
}

/** Memory and processes kept with the instance and its snapshots: see `snapshots/state-folders.ts`. */
export type States = Pick<StateFolders, 'list' | 'path' | 'work' | 'publish' | 'removeAll'>;

/** The memory of a post-copy. */
export interface PagesLink {
  /** Source: a permission for one stream of pages from this host. */
  issue(key: MoveKey): DataToken;
  /** Target: starts the process that fetches them. Returns at once. */
  startPager(folder: string): void;
}

export interface MovePorts {
  /** Where moves keep their folders; on tmpfs, see `moves-folder.ts`. */
  readonly root: string;
  /** Path of CRIU. */
  readonly criu: string;
  readonly clock: Clock;
  readonly containers: Containers;
  readonly volumes: Volumes;
  readonly states: States;
  readonly data: DataLink;
  readonly pages: PagesLink;
  /** Remembers what phases of a move took. */
  learn(...samples: readonly Sample[]): void;
}

/** Durations of a verb's phases in ms, and what it sent in bytes, by name. */
export interface Timings {
  readonly ms: Readonly<Record<string, number>>;
  readonly bytes: Readonly<Record<string, number>>;
}
