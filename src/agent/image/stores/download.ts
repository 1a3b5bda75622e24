/** Brings an image from a store into an upload. What does not have the sum that was announced is deleted again. */
import type { IncomingMessage } from 'node:http';
import { AppError, fail } from '../../../domain/errors.ts';
import { onDisk } from '../../storage/disk-error.ts';
import type { ImageStore } from '../image-store.ts';
import { writeFile } from '../image-streams.ts';
import { receiveForm } from './export-form.ts';
import { insisting } from './find.ts';
import { serverUrl } from './lxd-server.ts';
import { openUrl } from './open-url.ts';
import type { OfferedFile, OfferedImage, Store } from './store.ts';

/** Where a server does not say how much it is: more than any image of a container. */
const MAX_BYTES = 100 * 1024 ** 3;

type OnProgress = (bytes: number, totalBytes: number) => void;
type Offer = Pick<OfferedImage, 'fingerprint' | 'sizeBytes' | 'files'>;

/** Repeatable: what is there of an earlier try is written anew. @throws AppError `invalid`, `not-found`, `exhausted` */
export async function downloadImage(
  images: ImageStore,
  upload: string,
  store: Store,
  offer: Offer,
  onProgress: OnProgress,
): Promise<void> {
  if (offer.files.length === 0) {
    const limit = offer.sizeBytes || MAX_BYTES;
    await insisting(() => fromServer(images, upload, store, offer.fingerprint, limited(limit, onProgress)));
    return;
  }
  let before = 0;
  for (const file of offer.files) {
    const total = (bytes: number) => onProgress(before + bytes, offer.sizeBytes);
    before += await insisting(() => fromUrl(images, upload, store, file, total));
  }
}

async function fromUrl(
  images: ImageStore,
  upload: string,
  store: Store,
  { part, url, sha256, sizeBytes }: OfferedFile,
  onBytes: OnProgress,
): Promise<number> {
  const response = await openUrl(url, store);
  const limit = sizeBytes || Number(response.headers['content-length'] ?? 0) || MAX_BYTES;
  const path = await images.uploadPath(upload, part);
  const progress = limited(limit, onBytes);
  const received = await onDisk(path, () => writeFile(path, whole(response, url), bytes => progress(bytes, limit)));
  if (received.sha256 !== sha256) {
    await images.removePart(upload, part);
    fail('invalid', `${url} is damaged: its sha256 is ${received.sha256}, not ${sha256} as was announced`);
  }
  return received.sizeBytes;
}

/** One file, or a form of two; whether it is the image is found out when the upload is finished. */
async function fromServer(
  images: ImageStore,
  upload: string,
  store: Store,
  fingerprint: string,
  onProgress: OnProgress,
): Promise<void> {
  const url = serverUrl(store, 'images', fingerprint, 'export');
  const response = await openUrl(url, store);
  const total = Number(response.headers['content-length'] ?? 0);
  const receive = async (part: OfferedFile['part'], body: AsyncIterable<Buffer>, before: number) => {
    const path = await images.uploadPath(upload, part);
    const { sizeBytes } = await onDisk(path, () => writeFile(path, body, bytes => onProgress(before + bytes, total)));
    return sizeBytes;
  };
  if (response.headers['content-type']?.startsWith('multipart/form-data')) await receiveForm(response, receive);
  else await receive('meta', whole(response, url), 0);
}

/** A connection that breaks in the middle may hold the next time. */
async function* whole(response: IncomingMessage, url: string): AsyncGenerator<Buffer> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError('unavailable', `The download of ${url} broke off: ${(thrown as Error).message}`, thrown);
  }
}

function limited(limit: number, onProgress: OnProgress): OnProgress {
  return (bytes, total) => {
    if (bytes > limit) fail('invalid', `The server sends more than the ${limit} bytes it announced`);
    onProgress(bytes, total);
  };
}
