/**
 * `POST /1.0/images` with an archive: one file, or metadata and root file system as two parts of a form. The bytes go on
 * to a node as they come; checking and unpacking is done there. Nothing is kept here.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import { AppError, fail } from '../../../domain/errors.ts';
import { type ApiRequest, isTrue } from '../../http/request.ts';
import { NODE_STATUS, NODES } from '../../spaces.ts';
import type { UploadPart } from '../bulk.ts';
import type { Lxd } from '../context.ts';

/** An upload that lies whole on a node, and what its sender said about it. */
export interface Uploaded {
  readonly upload: string;
  readonly node: string;
  readonly filename: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly public: boolean;
  /** '' = any. */
  readonly fingerprint: string;
}

/** @throws AppError `invalid` for a form without the parts; `unavailable` when no node is there to keep it. */
export async function receiveUpload(lxd: Lxd, request: ApiRequest, body: Readable): Promise<Uploaded> {
  const node = chooseNode(lxd);
  const agent = lxd.agents.of(node);
  const upload = randomUUID();
  const send = (part: UploadPart['part'], bytes: AsyncIterable<Buffer>) =>
    lxd.bulk.upload(node, agent, { upload, part }, bytes);
  const type = request.headers['content-type'] ?? '';
  try {
    const filename = type.startsWith('multipart/form-data')
      ? await receiveForm(request, body, send)
      : await send('meta', body).then(() => '');
    if (request.signal.aborted) throw request.signal.reason;
    return {
      upload,
      node,
      filename: header(request, 'x-lxd-filename') || filename,
      properties: propertiesOf(header(request, 'x-lxd-properties')),
      public: isTrue(header(request, 'x-lxd-public')),
      fingerprint: header(request, 'x-lxd-fingerprint'),
    };
  } catch (error) {
    await agent.finishUpload({ upload, discard: true }).catch(cause => {
      request.log.warn('upload not discarded', { node, upload, cause });
    });
    throw error;
  }
}

type Send = (part: UploadPart['part'], bytes: AsyncIterable<Buffer>) => Promise<void>;

const PART = { metadata: 'meta', rootfs: 'rootfs' } as const;

/** @returns the file name of the metadata. When it throws, nothing is being sent any more. */
async function receiveForm(request: ApiRequest, body: Readable, send: Send): Promise<string> {
  const form = openForm(request.headers['content-type']!);
  const seen = new Map<UploadPart['part'], string>();
  const streams: Readable[] = [];
  const sent: Promise<void>[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      form.on('file', (field, stream, filename) => {
        const part = PART[field as keyof typeof PART];
        if (part === undefined || seen.has(part)) {
          stream.resume();
          return reject(new AppError('invalid', `Invalid image upload: ${whyNot(field)} (parts: metadata, rootfs)`));
        }
        seen.set(part, filename);
        streams.push(stream);
        const sending = send(part, stream as unknown as AsyncIterable<Buffer>);
        sending.catch(reject);
        sent.push(sending);
      });
      form.once('finish', resolve);
      form.once('error', error => reject(new AppError('invalid', 'Invalid image upload: the form is damaged', error)));
      body.once('error', reject);
      body.once('close', () => {
        if (!body.readableEnded) reject(new AppError('cancelled', 'The client hung up in the middle of the upload'));
      });
      body.pipe(form);
    });
    await Promise.all(sent);
  } catch (error) {
    for (const stream of streams) stream.destroy(AppError.from(error));
    await Promise.allSettled(sent);
    throw error;
  } finally {
    body.unpipe(form);
  }
  for (const [field, part] of Object.entries(PART))
    if (!seen.has(part)) fail('invalid', `Invalid image upload: the part "${field}" is missing`);
  return seen.get('meta')!;
}

function openForm(type: string): InstanceType<typeof Busboy> {
  try {
    return new Busboy({ headers: { 'content-type': type } });
  } catch (error) {
    return fail('invalid', `Invalid image upload: Content-Type ${type}: ${(error as Error).message}`);
  }
}

function whyNot(field: string): string {
  return field === 'rootfs.img' ? 'virtual machine images are not supported' : `unexpected part "${field}"`;
}

/** The online node with the most room. */
export function chooseNode(lxd: Lxd): string {
  const room = lxd.view
    .list(NODES)
    .flatMap(({ value }) => lxd.view.get(NODE_STATUS.key(value.name))?.value ?? [])
    .filter(({ state }) => state === 'online')
    .map(({ name, pools }) => ({ name, free: Math.max(0, ...pools.map(each => each.totalBytes - each.usedBytes)) }))
    .sort((a, b) => b.free - a.free);
  return room[0]?.name ?? fail('unavailable', 'No node is online to keep it; see "cluster list"');
}

const header = (request: ApiRequest, name: string): string => {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
};

const propertiesOf = (text: string): Record<string, string> => Object.fromEntries(new URLSearchParams(text));
