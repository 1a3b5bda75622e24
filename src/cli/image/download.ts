import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../domain/errors.ts';

/**
 * Writes an exported image to one file or, if it is split, to two, and checks it against its fingerprint. Files get their
 * names when all is there and right; a download that fails leaves none.
 */
export async function saveImage(
  response: IncomingMessage,
  fingerprint: string,
  target: string,
): Promise<readonly string[]> {
  const hash = createHash('sha256');
  const place = await placeIn(target);
  const written: string[] = [];
  const save = async (part: Readable, serverName: string, suffix: string) => {
    const file = place(basename(serverName), suffix);
    written.push(file);
    await pipeline(part, hashed(hash), createWriteStream(`${file}.part`));
  };
  try {
    if (response.headers['content-type']?.startsWith('multipart/')) await saveParts(response, save);
    else await save(response, dispositionName(response) ?? fingerprint, '');
    const seen = hash.digest('hex');
    if (seen !== fingerprint)
      throw new AppError('invalid', `Image fingerprint doesn't match. Got ${seen} expected ${fingerprint}`);
    for (const file of written) await rename(`${file}.part`, file);
    return written;
  } catch (error) {
    for (const file of written) await rm(`${file}.part`, { force: true });
    throw error;
  }
}

type Save = (part: Readable, serverName: string, suffix: string) => Promise<void>;

/** Parts are written one after another: the fingerprint is over both, in this order. */
async function saveParts(response: IncomingMessage, save: Save): Promise<void> {
  const { Busboy } = await import('@fastify/busboy');
  const form = new Busboy({
    headers: response.headers as { 'content-type': string },
    limits: { fileSize: Number.POSITIVE_INFINITY },
  });
  const saved: Promise<void>[] = [];
  form.on('file', (field, part, filename) => {
    const before = saved.at(-1) ?? Promise.resolve();
    saved.push(before.then(() => save(part, filename || field, field === 'metadata' ? '' : '.root')));
  });
  await pipeline(response, form);
  await Promise.all(saved);
}

/** Into a folder under the server's name for it; else under the user's name with the server's ending. */
async function placeIn(target: string): Promise<(serverName: string, suffix: string) => string> {
  const folder = target === '' ? '.' : target;
  const isFolder = await stat(folder).then(
    found => found.isDirectory(),
    () => false,
  );
  return (serverName, suffix) => (isFolder ? join(folder, serverName) : `${target}${suffix}${ending(serverName)}`);
}

function ending(name: string): string {
  return /(\.tar)?\.[a-z0-9]+$/.exec(name)?.[0] ?? '';
}

function dispositionName(response: IncomingMessage): string | undefined {
  return /filename="?([^";]+)"?/.exec(response.headers['content-disposition'] ?? '')?.[1];
}

function hashed(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(undefined, chunk);
    },
  });
}
