import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { AppError } from '../../domain/errors.ts';
import type { Settings } from '../api/instance.ts';

/** The body and headers of an image upload: one file as it is, or metadata and root file system as a form. */
export interface Upload {
  readonly stream: Readable;
  readonly headers: Readonly<Record<string, string>>;
  readonly totalBytes: number;
}

export interface UploadOptions {
  readonly public: boolean;
  readonly properties: Settings;
  /** Called with the bytes sent so far. */
  readonly onProgress: (bytes: number) => void;
}

export async function imageUpload(
  metadataFile: string,
  rootfsFile: string | undefined,
  options: UploadOptions,
): Promise<Upload> {
  const sizes = await Promise.all([metadataFile, ...(rootfsFile === undefined ? [] : [rootfsFile])].map(fileSize));
  const totalBytes = sizes.reduce((a, b) => a + b, 0);
  const boundary = `berth-${randomUUID()}`;
  const source =
    rootfsFile === undefined ? createReadStream(metadataFile) : Readable.from(form(boundary, metadataFile, rootfsFile));
  const headers = {
    'Content-Type': rootfsFile === undefined ? 'application/octet-stream' : `multipart/form-data; boundary=${boundary}`,
    'X-LXD-filename': basename(metadataFile),
    'X-LXD-public': String(options.public),
    ...(Object.keys(options.properties).length === 0
      ? {}
      : { 'X-LXD-properties': new URLSearchParams(options.properties).toString() }),
  };
  return { stream: counted(source, options.onProgress), headers, totalBytes };
}

/** The metadata comes first: the server knows by it what the second part is. */
async function* form(boundary: string, metadataFile: string, rootfsFile: string): AsyncGenerator<Buffer> {
  yield* part(boundary, 'metadata', metadataFile);
  yield* part(boundary, /\.(img|qcow2)$/.test(rootfsFile) ? 'rootfs.img' : 'rootfs', rootfsFile);
  yield Buffer.from(`--${boundary}--\r\n`);
}

async function* part(boundary: string, name: string, file: string): AsyncGenerator<Buffer> {
  const filename = basename(file).replace(/["\r\n]/g, '_');
  yield Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
  );
  yield* createReadStream(file);
  yield Buffer.from('\r\n');
}

function counted(source: Readable, onProgress: (bytes: number) => void): Readable {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onProgress(bytes);
      done(undefined, chunk);
    },
  });
  source.once('error', error => counter.destroy(error));
  return source.pipe(counter);
}

async function fileSize(file: string): Promise<number> {
  try {
    const found = await stat(file);
    if (found.isFile()) return found.size;
  } catch (error) {
    throw new AppError('not-found', `cannot read ${file}: ${(error as Error).message}`, error);
  }
  throw new AppError('invalid', `${file} is not a file: pack it into an archive first`);
}
