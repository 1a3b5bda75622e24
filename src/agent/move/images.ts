/**
 * CRIU's images on their way: the list of files in the message, their contents one after the other in the body. File
 * calls are synchronous on purpose: the files are on tmpfs, there are dozens of small ones, and the instance stands
 * still meanwhile; a trip to the thread pool would cost more than the copy.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchownSync,
  fstatSync,
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
/** `have`: so many of its bytes have come before. */
const image = z.object({ name, bytes: z.int().min(0), have: z.int().min(0).default(0) });
export const imageList = z.array(image).max(100_000);
export type ImageList = z.output<typeof imageList>;
/** A piece of an image that is still being written. */
export const imagePart = z.object({ name, at: z.int().min(0), bytes: z.int().min(0) });
export type ImagePart = z.output<typeof imagePart>;

const CHUNK_BYTES = 1 << 20;

/** What is there to send: neither logs nor the link to a pre-copy's last round. */
export function listImages(folder: string): ImageList {
  const files = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isFile());
  const names = files.map(file => file.name).filter(file => !file.endsWith('.log'));
  return names.sort().map(file => ({ name: file, bytes: statSync(join(folder, file)).size, have: 0 }));
}

export const bytesOf = (images: ImageList): number => images.reduce((sum, { bytes }) => sum + bytes, 0);

export const processesIn = (images: ImageList): number =>
  images.filter(({ name }) => name.startsWith('pagemap-')).length;

/** What is still to come of them. Small files share a chunk. */
export async function* readImages(folder: string, images: ImageList): Body {
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  for (const { name: file, bytes, have } of images) {
    if (bytes === have) continue;
    const descriptor = openSync(join(folder, file), 'r');
    try {
      for (let at = have; at < bytes; ) {
        const read = readSync(descriptor, chunk, filled, Math.min(bytes - at, CHUNK_BYTES - filled), at);
        if (read === 0) fail('internal', `image ${file} became shorter while it was sent`);
        at += read;
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
 * Whatever was there before goes, but for the parts that the list counts on. CRIU opens some images as root of the host,
 * already without its capabilities, and some as the guest's root; nobody else may read them, for they are the memory of the
 * guest. So the host's root owns them and the guest's is their group.
 * @param group host id of the guest's root
 * @throws AppError `invalid` if the body is not what the list says
 */
export async function writeImages(folder: string, images: ImageList, body: Body, group: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, PASS_THROUGH);
  const begun = new Set(images.filter(({ have }) => have > 0).map(each => each.name));
  for (const file of readdirSync(folder)) if (!begun.has(file)) rmSync(join(folder, file), { recursive: true });
  const parts = new Parts(body);
  for (const { name: file, have, bytes } of images)
    await append(folder, { name: file, at: have, bytes: bytes - have }, parts, group);
  if ((await parts.next(1)) !== undefined) throw new AppError('invalid', 'more bytes came than the images have');
}

/** What comes at 0 begins the image anew. @throws AppError `invalid` if what should be there before it is not */
export async function writePart(folder: string, part: ImagePart, body: Body, group: number): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await append(folder, part, new Parts(body), group);
}

async function append(
  folder: string,
  { name: file, at, bytes }: ImagePart,
  parts: Parts,
  group: number,
): Promise<void> {
  const descriptor = openPart(join(folder, file), at);
  try {
    const { size } = fstatSync(descriptor);
    if (size !== at) fail('invalid', `image ${file} has ${size} bytes here, not ${at}`);
    if (at === 0) fchownSync(descriptor, 0, group);
    for (let left = bytes; left > 0; ) {
      const part = await parts.next(left);
      if (part === undefined) fail('invalid', `image ${file} is incomplete`);
      for (let written = 0; written < part.length; ) written += writeSync(descriptor, part, written);
      left -= part.length;
    }
  } finally {
    closeSync(descriptor);
  }
}

function openPart(path: string, at: number): number {
  if (at > 0) return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
  rmSync(path, { force: true });
  return openSync(path, 'wx', 0o640);
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
