/**
 * Moving a volume to another host in rounds: some while it is in use, one more while nothing writes to it. The order of a
 * move is: `openReceiver`, `openSender`, `round` and `keep` for each snapshot, so that what follows is only what differs
 * from the last of them, `round` as often as it pays, `round` with `final`, `publish` (the volume now exists on the
 * target; a further `round` withdraws it until the next `publish`), and in the end `finish` or `abort` on the receiver and
 * `close` on the sender. All state is on disk under the transfer's id, so that each of these may be repeated by an agent that
 * was restarted in between.
 */
import type { Channel } from '../../rpc/data/channel.ts';
import type { Answerer } from '../../rpc/data/serve.ts';
import type { IdMap } from './id-map.ts';
import type { Volume } from './volume.ts';

/** `btrfs`: snapshots by btrfs send and receive. `tree`: walk, and tar what changed; works between any two pools. */
export const TRANSFER_METHODS = ['btrfs', 'tree'] as const;
export type TransferMethod = (typeof TRANSFER_METHODS)[number];

export interface TransferOrder {
  /** One per move, the same on both ends. */
  readonly id: string;
  readonly volume: Volume;
  readonly method: TransferMethod;
  /** Of the instance, on the host that reads this. `btrfs` needs the same on both. */
  readonly idMap: IdMap | undefined;
}

export interface RoundReport {
  /** Counts from 0, the one that ships everything. */
  readonly round: number;
  /** Sent over the wire, framing not counted. */
  readonly bytes: number;
  /** Files and folders sent; undefined where the method does not count them. */
  readonly entries: number | undefined;
  readonly ms: number;
}

export interface RoundOptions {
  readonly final: boolean;
  readonly snapshot?: string;
}

export interface VolumeSender {
  /**
   * Ships what changed since the last round that the peer confirmed. `final`: nothing writes to the volume now. `snapshot`:
   * what is shipped is that snapshot of it.
   */
  round(channel: Channel, options: RoundOptions): Promise<RoundReport>;
  /** Forgets the transfer on this host. The volume itself is not touched. */
  close(): Promise<void>;
}

export interface VolumeReceiver {
  /** Answers the sender's rounds; for `serve(channel, answer)`. */
  readonly answer: Answerer;
  /** Makes what the last round brought a snapshot of the volume, which need not be here yet. Repeatable. */
  keep(snapshot: string): Promise<void>;
  /** Snapshots kept so far. */
  kept(): readonly string[];
  /** Makes what the last round brought the volume of this pool. Fast: it is done while the instance stands still. */
  publish(): Promise<void>;
  /** Waits until it is safe on disk and forgets the transfer; the source may now be deleted. */
  finish(): Promise<void>;
  /** Leaves nothing behind, the published volume and its snapshots included. Does nothing after `finish`. */
  abort(): Promise<void>;
}

/** The best way both ends know; the tree walk if owners are stored differently on the two hosts. */
export function chooseMethod(
  source: readonly TransferMethod[],
  target: readonly TransferMethod[],
  sameOwners: boolean,
): TransferMethod {
  return TRANSFER_METHODS.find(m => source.includes(m) && target.includes(m) && (sameOwners || m === 'tree')) ?? 'tree';
}
