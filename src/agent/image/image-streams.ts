/**
 * The streams of images: `image-upload` brings a part of an upload, `image-download` takes a part of an image away.
 * Which upload or image it is, is said when the token is issued.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { fail } from '../../domain/errors.ts';
import type { Body } from '../../rpc/data/channel.ts';
import { serve } from '../../rpc/data/serve.ts';
import type { DataPlane } from '../data-plane/listener.ts';
import type { Params } from '../data-plane/tokens.ts';
import { onDisk } from '../storage/disk-error.ts';
import { PARTS, type Part } from './image-info.ts';
import type { ImageStore } from './image-store.ts';

export interface Received {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Params: upload, part. One question with the file as its body; the answer is `Received`. */
export const UPLOAD_STREAM = 'image-upload';
/** Params: fingerprint, part. One question; the answer is `{sizeBytes}` with the file as its body. */
export const DOWNLOAD_STREAM = 'image-download';

const READ_BYTES = 1024 * 1024;

export function serveImageStreams(plane: DataPlane, store: ImageStore): void {
  plane.handle(UPLOAD_STREAM, async ({ channel, params }) => {
    const path = await store.uploadPath(params.upload ?? '', partOf(params));
    await serve(channel, (_, body) => onDisk(path, () => writeFile(path, body)));
  });
  plane.handle(DOWNLOAD_STREAM, async ({ channel, params }) => {
    const path = await store.partPath(params.fingerprint ?? '', partOf(params));
    const question = await channel.receive();
    if (question === undefined) return;
    const { size } = await stat(path);
    await channel.reply({ sizeBytes: size }, createReadStream(path, { highWaterMark: READ_BYTES }));
  });
}

/** Writes a stream to a new file; a part of a file is deleted again. `onBytes` is called with the sum so far. */
export async function writeFile(
  path: string,
  body: Body,
  onBytes: (bytes: number) => void = () => {},
): Promise<Received> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    // Unpacking reads it with the rights of an instance's root; the folder above lets nobody else in.
    await using file = await open(path, 'w', 0o644);
    for await (const chunk of body) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      await file.writeFile(chunk);
      onBytes(sizeBytes);
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

const partOf = ({ part }: Params): Part =>
  PARTS.find(each => each === part) ?? fail('invalid', `An image has parts ${PARTS.join(' and ')}, not "${part}"`);
