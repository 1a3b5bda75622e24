/** Everything that must hold of uploaded files before they count as an image. Changes nothing. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../domain/errors.ts';
import { packingOf } from './compression.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { ImageInfo } from './image-info.ts';
import type { ImageLimits } from './limits.ts';
import { parseMetadata } from './metadata.ts';
import { scanSquashfs } from './scan-squashfs.ts';
import { scanTar, type TarScan } from './scan-tar.ts';

/**
 * @param folder holds `meta`, and `rootfs` if the image is split
 * @param expected fingerprint that it must have, if that is known
 */
export async function examine(folder: string, expected: string | undefined, limits: ImageLimits): Promise<ImageInfo> {
  const meta = join(folder, 'meta');
  const rootfs = join(folder, 'rootfs');
  const split = (await stat(rootfs).catch(() => undefined)) !== undefined;
  const files = split ? [meta, rootfs] : [meta];
  const fingerprint = await fingerprintOf(files);
  if (expected !== undefined && expected !== fingerprint) {
    fail('invalid', `The image has fingerprint ${fingerprint}, not ${expected}: it was changed or cut on its way`);
  }
  const scan = await scanMeta(meta, split, limits);
  const root = split ? await scanRoot(rootfs, limits) : scan;
  if (scan.metadata === undefined)
    fail('invalid', 'The image has no metadata.yaml: see "image format" in the documentation');
  const metadata = parseMetadata(scan.metadata!);
  for (const { file } of Object.values(metadata.templates)) {
    if (!Object.hasOwn(scan.templates, file))
      fail('invalid', `metadata.yaml of the image names template "${file}", which is not in templates/`);
  }
  const sizes = await Promise.all(files.map(async file => (await stat(file)).size));
  return {
    fingerprint,
    split,
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    unpackedBytes: root.unpackedBytes,
    entries: root.entries,
    skipped: root.skipped,
    root: { packing: root.packing, dotted: root.dotted },
    metadata: {
      ...metadata,
      templates: Object.fromEntries(
        Object.entries(metadata.templates).map(([path, t]) => [path, { ...t, when: [...t.when] }]),
      ),
    },
    templates: scan.templates,
  };
}

type Root = Pick<ImageInfo, 'entries' | 'skipped' | 'unpackedBytes'> & ImageInfo['root'];

async function scanMeta(meta: string, split: boolean, limits: ImageLimits): Promise<TarScan & Root> {
  const packing = await packingOf(meta);
  if (packing === 'squashfs')
    fail('invalid', 'The image is a bare squashfs: upload its metadata file together with it');
  const tar = packing as Exclude<typeof packing, 'squashfs'>;
  const scan = await scanTar(meta, tar, 'rootfs', limits);
  if (!split && !scan.hasRoot)
    fail('invalid', 'The image has no rootfs/ in it: if it is split, upload both of its files');
  return { ...scan, packing };
}

async function scanRoot(rootfs: string, limits: ImageLimits): Promise<Root> {
  const packing = await packingOf(rootfs);
  if (packing === 'squashfs') return { ...(await scanSquashfs(rootfs, limits)), packing, dotted: false };
  const scan = await scanTar(rootfs, packing, '', limits);
  if (!scan.hasRoot) fail('invalid', 'The root file of the image is empty');
  return { ...scan, packing };
}
