/**
 * The images that this host keeps as they were uploaded: `images/<fingerprint>/{meta,rootfs,info.json}` below the
 * agent's data folder, and `uploads/<id>/` for what is still on its way. An image is there when its folder is.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../domain/errors.ts';
import { run } from '../command.ts';
import { onDisk } from '../storage/disk-error.ts';
import type { IdMap } from '../storage/id-map.ts';
import { createKeyedLock } from '../storage/keyed-lock.ts';
import { isThere } from '../storage/layout.ts';
import { checkFileName } from '../storage/volume.ts';
import { examine } from './examine.ts';
import { type ImageInfo, imageInfo, type Part } from './image-info.ts';
import { DEFAULT_LIMITS, type ImageLimits } from './limits.ts';
import { unpackRoot } from './unpack.ts';

export interface ImageStore {
  /** Where the part of an upload is to be written; makes the folder. */
  uploadPath(upload: string, part: Part): Promise<string>;
  removePart(upload: string, part: Part): Promise<void>;
  /**
   * Makes an image of an upload, or throws `invalid` and deletes the upload. An image that is here already is not
   * replaced. Asked again, it answers the same. @param expected fingerprint that the sender announced
   */
  finishUpload(upload: string, expected?: string): Promise<ImageInfo>;
  discardUpload(upload: string): Promise<void>;

  list(): Promise<readonly ImageInfo[]>;
  /** Undefined if it is not here. */
  find(fingerprint: string): Promise<ImageInfo | undefined>;
  /** Path of a file of the image; `not-found` if it has no such part. */
  partPath(fingerprint: string, part: Part): Promise<string>;
  /** Fills an empty folder with the image's root; for `StorageDriver.ensureImage`. */
  unpack(fingerprint: string, folder: string, idMap: IdMap | undefined): Promise<void>;
  remove(fingerprint: string): Promise<void>;
}

/** Opens the store below `dataFolder`; uploads that a crash interrupted are deleted. */
export async function openImageStore(dataFolder: string, limits: ImageLimits = DEFAULT_LIMITS): Promise<ImageStore> {
  const images = join(dataFolder, 'images');
  const uploads = join(dataFolder, 'uploads');
  for (const folder of [images, uploads]) await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(uploads, { withFileTypes: true })) {
    if (entry.isDirectory()) await rm(join(uploads, entry.name), { recursive: true });
  }

  const lock = createKeyedLock();
  const home = (fingerprint: string) => join(images, checkFileName('image', fingerprint));
  const uploadFolder = (upload: string) => join(uploads, checkFileName('upload', upload));

  /** What became of an upload, for who asks again. A hundred bytes each; `discardUpload` deletes it. */
  const receipt = (upload: string) => `${uploadFolder(upload)}.receipt`;

  const find = async (fingerprint: string): Promise<ImageInfo | undefined> => {
    const text = await readFile(join(home(fingerprint), 'info.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : imageInfo.parse(JSON.parse(text));
  };
  const needed = async (fingerprint: string) =>
    (await find(fingerprint)) ?? fail('not-found', `Image ${fingerprint} is not on this host`);

  async function accept(folder: string, expected: string | undefined): Promise<ImageInfo> {
    if (!(await isThere(join(folder, 'meta')))) fail('invalid', 'Nothing was uploaded: send the image file first');
    const info = await examine(folder, expected, limits);
    await lock(info.fingerprint, async () => {
      if (await isThere(home(info.fingerprint))) return;
      await writeFile(join(folder, 'info.json'), JSON.stringify(info, undefined, 2));
      await run('sync', ['-f', folder], { timeoutMs: 3_600_000 });
      await rename(folder, home(info.fingerprint));
    });
    return info;
  }

  return {
    async uploadPath(upload, part) {
      await mkdir(uploadFolder(upload), { recursive: true, mode: 0o700 });
      return join(uploadFolder(upload), part);
    },
    removePart: (upload, part) => rm(join(uploadFolder(upload), part), { force: true }),
    async finishUpload(upload, expected) {
      const folder = uploadFolder(upload);
      const known = await find(expected ?? (await readFile(receipt(upload), 'utf8').catch(() => 'none')));
      try {
        if (known !== undefined) return known;
        const info = await onDisk(dataFolder, () => accept(folder, expected));
        await writeFile(receipt(upload), info.fingerprint);
        return info;
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    async discardUpload(upload) {
      await rm(uploadFolder(upload), { recursive: true, force: true });
      await rm(receipt(upload), { force: true });
    },

    async list() {
      const all = await Promise.all((await readdir(images)).map(find));
      return all.filter(info => info !== undefined);
    },
    find: async fingerprint => find(fingerprint),
    async partPath(fingerprint, part) {
      const path = join(home(fingerprint), part);
      return (await isThere(path))
        ? path
        : fail('not-found', `Image ${fingerprint} has no file "${part}" on this host`);
    },
    async unpack(fingerprint, folder, idMap) {
      const info = await needed(fingerprint);
      await unpackRoot(info, join(home(fingerprint), info.split ? 'rootfs' : 'meta'), folder, idMap, limits);
    },
    remove: fingerprint =>
      lock(fingerprint, async () => {
        const gone = join(uploads, `removed-${checkFileName('image', fingerprint)}`);
        await rm(gone, { recursive: true, force: true });
        if (await isThere(home(fingerprint))) await rename(home(fingerprint), gone);
        await rm(gone, { recursive: true, force: true });
      }),
  };
}
