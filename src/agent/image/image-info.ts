/** What a host remembers of an image it keeps: `info.json` beside the files. */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import { type InstanceMetadata, TRIGGERS } from '../../domain/image-metadata.ts';
import { PACKINGS } from './compression.ts';

/** `meta` is the only file of a unified image; a split one has its root in `rootfs`. */
export const PARTS = ['meta', 'rootfs'] as const;
export type Part = (typeof PARTS)[number];

const texts = z.record(z.string(), z.string());

export const imageInfo = z.object({
  fingerprint: z.string(),
  split: z.boolean(),
  /** Of all files together. */
  sizeBytes: z.number(),
  unpackedBytes: z.number(),
  entries: z.number(),
  /** Entries below /dev, which are not unpacked. */
  skipped: z.number(),
  /** How the root is packed, and how to find it in its archive. */
  root: z.object({ packing: z.enum(PACKINGS), dotted: z.boolean() }),
  metadata: z.object({
    architecture: z.string(),
    createdAt: z.number(),
    expiresAt: z.number(),
    properties: texts,
    templates: z.record(
      z.string(),
      z.object({ when: z.array(z.enum(TRIGGERS)), file: z.string(), createOnly: z.boolean(), properties: texts }),
    ),
  }),
  /** Sources of the templates, by file name. */
  templates: texts,
});
/** What renders templates: of an image, or of an instance that was given its own. */
const rendering = imageInfo.pick({ metadata: true, templates: true });

/** As the controller sends it. @throws AppError `invalid` */
export function readInstanceMetadata(json: string): InstanceMetadata {
  const read = rendering.safeParse(JSON.parse(json));
  if (!read.success) fail('invalid', `metadata of the instance: ${read.error.issues[0]!.message}`);
  return read.data!;
}

export type ImageInfo = Readonly<z.infer<typeof imageInfo>>;
