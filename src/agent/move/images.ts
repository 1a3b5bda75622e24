/**
 * CRIU's images on their way: the list of files in the message, their contents one after the other in the body. File
 * calls are synchronous on purpose: the files are on tmpfs, there are dozens of small ones, and the instance stands
 * still meanwhile; a trip to the thread pool would cost more than the copy.
 */
import {
  closeSync,
  fchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
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
export function listImages(folder: string): ImageList {
  const names = readdirSync(folder).filter(file => !file.endsWith('.log'));
  return names.sort().map(file => ({ name: file, bytes: statSync(join(folder, file)).size }));
}

export const bytesOf = (images: ImageList): number => images.reduce((sum, { bytes }) => sum + bytes, 0);

export const processesIn = (images: ImageList): number =>
  images.filter(({ name }) => name.startsWith('pagemap-')).length;

/** Small files share a chunk. */
export async function* readImages(folder: string, images: ImageList): Body {
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  for (const { name: file, bytes } of images) {
    const descriptor = openSync(join(folder, file), 'r');
    try {
      for (let left = bytes; left > 0; ) {
        const read = readSync(descriptor, chunk, filled, Math.min(left, CHUNK_BYTES - filled), null);
        if (read === 0) fail('internal', `image ${file} became shorter while it was sent`);
        left -= read;
        filled += read;
        if (filled < CHUNK_BYTES) continue;
        yield chunk;
        chunk = Buffer.allocUnsafe(CHUNK_BYTES);
        filled = 0;
      }
    } finally {
      closeSync(descriptor);
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

/**
 * Whatever was there before goes. CRIU opens some images as root of the host, already without its capabilities, and some
 * as the guest's root; nobody else may read them, for they are the memory of the guest. So the host's root owns them and
 * the guest's is their group.
 * @param group host id of the guest's root
 * @throws AppError `invalid` if the body is not what the list says
 */
export async function writeImages(folder: string, images: ImageList, body: Body, group: number): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: PASS_THROUGH });
  const parts = new Parts(body);
  for (const image of images) {
    const descriptor = openSync(join(folder, image.name), 'wx', 0o640);
    try {
      fchownSync(descriptor, 0, group);
      for (let left = image.bytes; left > 0; ) {
        const part = await parts.next(left);
        if (part === undefined) fail('invalid', `image ${image.name} is incomplete`);
        for (let written = 0; written < part.length; ) written += writeSync(descriptor, part, written);
        left -= part.length;
      }
    } finally {
      closeSync(descriptor);
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
