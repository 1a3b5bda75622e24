/**
 * The port of storage: what a pool can do, whatever it is made of. Every verb may be repeated, and a crash in the
 * middle leaves either the volume as it was or the volume as it shall be, never half of it. Where a volume's tree is
 * found is asked with `activate`; nothing else may assume that volumes are folders of one file system (LVM, ZFS).
 */
import type { PoolDriver } from '../../domain/storage-pool.ts';
import type { IdMap } from './id-map.ts';
import type { TransferMethod, TransferOrder, VolumeReceiver, VolumeSender } from './transfer.ts';
import type { Volume } from './volume.ts';

/** An image's tree as one kind of instance needs it: owners are stored shifted. */
export interface ImageTree {
  readonly fingerprint: string;
  /** Undefined: for privileged instances. */
  readonly idMap: IdMap | undefined;
}

interface PoolUsage {
  readonly totalBytes: number;
  readonly usedBytes: number;
}

export interface StorageDriver {
  readonly driver: PoolDriver;
  /** Where the pool is mounted. */
  readonly source: string;

  /** Unpacks an image once. `unpack` fills an empty folder, already owned by the mapping's root. */
  ensureImage(image: ImageTree, unpack: (folder: string) => Promise<void>): Promise<void>;
  hasImage(image: ImageTree): Promise<boolean>;
  /** Removes every tree of the image; volumes made from it do not depend on it. */
  removeImage(fingerprint: string): Promise<void>;

  /** `not-found` unless `ensureImage` was called before. */
  createFromImage(volume: Volume, image: ImageTree): Promise<void>;
  createEmpty(volume: Volume, idMap: IdMap | undefined): Promise<void>;
  /** With its snapshots. */
  remove(volume: Volume): Promise<void>;
  exists(volume: Volume): Promise<boolean>;
  list(): Promise<readonly Volume[]>;

  /** Makes the volume's tree reachable and returns its path, which is stable. `not-found` if there is no such volume. */
  activate(volume: Volume): Promise<string>;
  deactivate(volume: Volume): Promise<void>;
  /** The host's id of the root for which its owners are stored (0: the host's own ids), whoever owns its top folder. */
  rootId(volume: Volume): Promise<number>;

  /** Bytes its files occupy, those shared with an image or snapshot included. */
  usageBytes(volume: Volume): Promise<number>;
  /**
   * Undefined lifts the limit. `unsupported` where the pool cannot limit (lifting is always possible). A limit belongs
   * to this copy of the volume: who restores, clones or moves it sets the limit again.
   */
  setQuota(volume: Volume, bytes: number | undefined): Promise<void>;
  poolUsage(): Promise<PoolUsage>;

  /** Is a snapshot one moment of a volume in use? Else who wants that must keep its users still meanwhile. */
  readonly snapshotsAreAtomic: boolean;
  snapshot(volume: Volume, name: string): Promise<void>;
  removeSnapshot(volume: Volume, name: string): Promise<void>;
  listSnapshots(volume: Volume): Promise<readonly string[]>;
  /** Where a snapshot's tree is, to be read only. */
  snapshotPath(volume: Volume, name: string): Promise<string>;
  /** A new volume with the snapshot's content. */
  cloneSnapshot(volume: Volume, name: string, target: Volume): Promise<void>;
  /** A new volume with the content that `volume` has now; for one in use, see `snapshotsAreAtomic`. */
  clone(volume: Volume, target: Volume): Promise<void>;
  /** A snapshot of `target` with the content of a snapshot of `volume`. */
  copySnapshot(volume: Volume, name: string, target: Volume, targetName: string): Promise<void>;
  /**
   * Puts the volume (not in use) back to the snapshot. What it held until now becomes the snapshot `replaced`, if one is
   * named; while that is there, the call has been done and does nothing.
   */
  restore(volume: Volume, name: string, replaced?: string): Promise<void>;

  /** The ways this pool can move a volume, best first; both ends must know it (`chooseMethod`). */
  transferMethods(): readonly TransferMethod[];
  openSender(order: TransferOrder): Promise<VolumeSender>;
  /** Opens, or finds again after a crash, the receiving end. */
  openReceiver(order: TransferOrder): Promise<VolumeReceiver>;
}
