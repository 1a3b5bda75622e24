/** Gets an image that this host lacks from hosts that have it, and checks it as if a user had uploaded it. */
import { z } from 'zod';
import { AppError } from '../../domain/errors.ts';
import { dial } from '../../rpc/data/dial.ts';
import type { TlsIdentity } from '../../rpc/identity.ts';
import { onDisk } from '../storage/disk-error.ts';
import { createKeyedLock } from '../storage/keyed-lock.ts';
import type { ImageInfo, Part } from './image-info.ts';
import type { ImageStore } from './image-store.ts';
import { DOWNLOAD_STREAM, writeFile } from './image-streams.ts';

/** A host that has the image, and its permissions to read it, one a part. */
export interface ImageSource {
  readonly node: string;
  readonly parts: readonly { readonly part: Part; readonly address: string; readonly token: string }[];
}

/** Bytes that came, and how many there are in the parts begun so far. */
type OnProgress = (bytes: number, totalBytes: number) => void;

/**
 * Does nothing if the image is here. Tries the sources in their order; throws what the last one failed of, or
 * `not-found` if there is none. Who asks for an image that is on its way waits for it.
 */
export type FetchImage = (
  fingerprint: string,
  sources: readonly ImageSource[],
  onProgress?: OnProgress,
) => Promise<ImageInfo>;

const offer = z.object({ sizeBytes: z.number() });

export function createFetchImage(store: ImageStore, identity: TlsIdentity): FetchImage {
  const lock = createKeyedLock();

  async function download(upload: string, source: ImageSource, onProgress: OnProgress): Promise<void> {
    let before = 0;
    for (const { part, address, token } of source.parts) {
      const channel = await dial({ address, token, identity, node: source.node, kind: DOWNLOAD_STREAM });
      try {
        const { message, body } = await channel.ask({});
        const total = before + offer.parse(message).sizeBytes;
        const path = await store.uploadPath(upload, part);
        before += (await onDisk(path, () => writeFile(path, body, bytes => onProgress(before + bytes, total))))
          .sizeBytes;
      } finally {
        await channel.close();
      }
    }
  }

  async function fetch(
    fingerprint: string,
    sources: readonly ImageSource[],
    onProgress: OnProgress,
  ): Promise<ImageInfo> {
    const here = await store.find(fingerprint);
    if (here !== undefined) return here;
    let failure: unknown = new AppError('not-found', `Image ${fingerprint} is not on this host, nor on any other`);
    const upload = `fetch-${fingerprint}`;
    for (const source of sources) {
      try {
        await download(upload, source, onProgress);
        return await store.finishUpload(upload, fingerprint);
      } catch (error) {
        failure = error;
      } finally {
        await store.discardUpload(upload);
      }
    }
    throw failure;
  }

  return (fingerprint, sources, onProgress = () => {}) =>
    lock(fingerprint, () => fetch(fingerprint, sources, onProgress));
}
