/** What an image says of the instances made from it: metadata.yaml, and the sources of its templates. */

export const TRIGGERS = ['create', 'copy', 'start', 'rename'] as const;
export type Trigger = (typeof TRIGGERS)[number];

export interface ImageTemplate {
  readonly when: readonly Trigger[];
  /** Name of its source. */
  readonly file: string;
  /** Leave a file alone that is there already. */
  readonly createOnly: boolean;
  readonly properties: Readonly<Record<string, string>>;
}

export interface ImageMetadata {
  /** In LXD's spelling: x86_64, aarch64 ... */
  readonly architecture: string;
  /** Seconds since the epoch; 0 = never. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly properties: Readonly<Record<string, string>>;
  /** By absolute path in the instance. */
  readonly templates: Readonly<Record<string, ImageTemplate>>;
}

/** An instance begins with its image's, and may be given its own. Key `instance-metadata/<id>` holds it then. */
export interface InstanceMetadata {
  readonly metadata: ImageMetadata;
  /** Sources of the templates, by file name; what `metadata` names without a source here is an empty file. */
  readonly templates: Readonly<Record<string, string>>;
}
