/** A backup of an instance or a custom volume: an archive that lies on the host where that was. */

/** Key `backups/<id of the instance or volume>/<name>`; written by sagas. */
export interface BackupRecord {
  /** UUID; the host knows the archive by it. */
  readonly id: string;
  /** Id of the instance, or of the custom volume. */
  readonly instance: string;
  readonly name: string;
  /** `creating` until the pivot of its creation. */
  readonly phase: 'creating' | 'ready' | 'deleting';
  /** The host that keeps it, wherever the instance goes. */
  readonly node: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601; '' = never. */
  readonly expiresAt: string;
  /** Without its snapshots. */
  readonly instanceOnly: boolean;
}

export const COMPRESSIONS = ['none', 'gzip', 'xz', 'zstd', 'bzip2', 'lzma'] as const;
export type Compression = (typeof COMPRESSIONS)[number];
