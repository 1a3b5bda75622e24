/** CRIU's images on their way: the list of files in the message, their contents one after the other in the body. */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import type { Body } from '../../rpc/data/channel.ts';
import { PASS_THROUGH } from './moves-folder.ts';

/** Names that CRIU gives; nothing that could leave the folder. */
const name = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/);
export const imageList = z.array(z.object({ name, bytes: z.int().min(0) })).max(100_000);
export type ImageList = z.output<typeof imageList>;

const CHUNK_BYTES = 1 << 20;

/** What is there to send, logs left out. */
export async function listImages(folder: string): Promise<ImageList> {
  const names = (await readdir(folder)).filter(file => !file.endsWith('.log')).sort();
  return Promise.all(names.map(async file => ({ name: file, bytes: (await stat(join(folder, file))).size })));
}

export const bytesOf = (images: ImageList): number => images.reduce((sum, { bytes }) => sum + bytes, 0);

export async function* readImages(folder: string, images: ImageList): Body {
  for (const image of images) yield* createReadStream(join(folder, image.name), { highWaterMark: CHUNK_BYTES });
}

/**
 * Whatever was there before goes. CRIU opens some images as itself and some as the guest's root: they belong to that
 * root, and nobody else may read them, for they are the memory of the guest.
 * @param owner host id of the guest's root
 * @throws AppError `invalid` if the body is not what the list says
 */
export async function writeImages(folder: string, images: ImageList, body: Body, owner: number): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: PASS_THROUGH });
  const parts = new Parts(body);
  for (const image of images) {
    const file = await open(join(folder, image.name), 'wx', 0o600);
    try {
      await file.chown(owner, owner);
      for (let left = image.bytes; left > 0; ) {
        const part = await parts.next(left);
        if (part === undefined) fail('invalid', `image ${image.name} is incomplete`);
        await file.writeFile(part);
        left -= part.length;
      }
    } finally {
      await file.close();
    }
  }
  if ((await parts.next(1)) !== undefined) throw new AppError('invalid', 'more bytes came than the images have');
}

/** Cuts a body at given lengths without copying. */
class Parts {
  readonly #body: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(body: Body) {
    this.#body = body[Symbol.asyncIterator]();
  }

  /** At most `bytes` of what comes next; undefined at the end. */
  async next(bytes: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#body.next();
      if (done) return undefined;
      this.#rest = value;
    }
    const part = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
