/** An image: an archive by its fingerprint, kept on some nodes and fetched by the others when they need it. */
import type { Config } from './instance.ts';

/** Key `images/<project>/<fingerprint>`; written by the image sagas and API. */
export interface ImageRecord {
  readonly fingerprint: string;
  readonly project: string;
  readonly filename: string;
  readonly sizeBytes: number;
  readonly architecture: string;
  /** Two files (metadata and rootfs) instead of one. */
  readonly split: boolean;
  readonly public: boolean;
  readonly autoUpdate: boolean;
  readonly cached: boolean;
  readonly properties: Config;
  readonly profiles: readonly string[];
  /** ISO 8601; '' = not set. */
  readonly createdAt: string;
  readonly uploadedAt: string;
  readonly expiresAt: string;
  readonly lastUsedAt: string;
  /** Nodes that keep the archive (more may have a copy in their cache). */
  readonly nodes: readonly string[];
}

/** Key `image-aliases/<project>/<name>`; written by the image API. */
export interface ImageAliasRecord {
  readonly name: string;
  readonly project: string;
  readonly target: string;
  readonly description: string;
}
