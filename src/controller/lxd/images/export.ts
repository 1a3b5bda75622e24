/** `GET /1.0/images/FP/export`: the archive as it was imported, read from a node that keeps it. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { fail } from '../../../domain/errors.ts';
import type { ImageRecord } from '../../../domain/image.ts';
import type { Answer } from '../../http/answer.ts';
import { NODE_STATUS } from '../../spaces.ts';
import type { Lxd } from '../context.ts';

export function exportImage(lxd: Lxd, image: ImageRecord): Answer {
  const node = image.nodes.find(name => lxd.view.get(NODE_STATUS.key(name))?.value.state === 'online');
  if (node === undefined)
    fail('unavailable', `No node that keeps this image is online (${image.nodes.join(', ') || 'none keeps it'})`);
  const part = (name: 'meta' | 'rootfs') =>
    lxd.bulk.download(node, lxd.agents.of(node), { fingerprint: image.fingerprint, part: name });
  const named = (image.filename || image.fingerprint).replace(/["\r\n\\]/g, '_');
  const filename = named.includes('.') ? named : `${named}.tar`; // lxc takes what follows the first dot, and dies without one
  if (!image.split) {
    return {
      kind: 'raw',
      contentType: 'application/octet-stream',
      headers: { 'content-disposition': `inline;filename="${filename}"` },
      body: Readable.from(part('meta')),
    };
  }
  const boundary = randomUUID();
  return {
    kind: 'raw',
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Readable.from(
      form(boundary, [
        { field: 'metadata', filename, bytes: () => part('meta') },
        { field: 'rootfs', filename: `${filename}.root`, bytes: () => part('rootfs') },
      ]),
    ),
  };
}

interface FormPart {
  readonly field: string;
  readonly filename: string;
  readonly bytes: () => AsyncIterable<Buffer>;
}

async function* form(boundary: string, parts: readonly FormPart[]): AsyncGenerator<Buffer> {
  for (const { field, filename, bytes } of parts) {
    yield Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${filename}"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    );
    yield* bytes();
    yield Buffer.from('\r\n');
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}
