/** A split image as the LXD API sends it: a form of two files, the metadata first. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import { AppError, fail } from '../../../domain/errors.ts';
import type { Part } from '../image-info.ts';

const PART: Readonly<Record<string, Part>> = { metadata: 'meta', rootfs: 'rootfs' };

/** @param before bytes of the parts so far @returns bytes of this one */
type Receive = (part: Part, body: AsyncIterable<Buffer>, before: number) => Promise<number>;

/** @throws AppError `invalid` for a form that is damaged or has other parts, `unavailable` for one that breaks off */
export async function receiveForm(response: IncomingMessage, receive: Receive): Promise<void> {
  const form = new Busboy({ headers: { 'content-type': response.headers['content-type']! } });
  const seen = new Set<Part>();
  let received = Promise.resolve(0);
  form.on('file', (field: string, stream: Readable) => {
    const part = Object.hasOwn(PART, field) ? PART[field]! : undefined;
    if (part === undefined || seen.has(part)) {
      stream.resume();
      form.destroy(new AppError('invalid', `The server sends a part "${field}" that no image of a container has`));
      return;
    }
    seen.add(part);
    received = received.then(async before => before + (await receive(part, stream as AsyncIterable<Buffer>, before)));
    received.catch(error => form.destroy(error));
  });
  try {
    await pipeline(response, form);
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError('unavailable', `The server's answer broke off: ${(thrown as Error).message}`, thrown);
  } finally {
    await received.catch(() => {});
  }
  await received;
  if (seen.size < 2) fail('invalid', 'The server sends a split image without one of its parts');
}
