/** `/1.0/instances/N/files?path=P`, whether it runs or not: its host does it with the rights of the instance's own root. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail } from '../../../domain/errors.ts';
import type { Attributes } from '../../../rpc/sftp/attributes.ts';
import { OPEN } from '../../../rpc/sftp/packet.ts';
import { type Answer, DONE, sync } from '../../http/answer.ts';
import type { ApiRequest } from '../../http/request.ts';
import type { Lxd } from '../context.ts';
import { lxdRender } from '../envelope.ts';
import { findInstance } from '../instance.ts';
import { fileHeaders, readOrder, typeOf } from './headers.ts';
import type { FileSession } from './sessions.ts';
import { writeThing } from './write.ts';

const MAX_PATH_BYTES = 4095;

export async function getFile(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const path = pathOf(request);
  const session = await lxd.files.take(findInstance(lxd, request).value);
  let streaming = false;
  try {
    const { client } = session;
    const found = await client.lstat(path);
    const type = typeOf(found) ?? fail('invalid', `${path} is neither a file, a directory nor a symlink`);
    const headers = fileHeaders(type, found);
    if (request.method === 'HEAD') return bytes('', { ...headers, ...(type === 'file' ? lengthOf(found) : {}) });
    if (type === 'directory') {
      const { headers: json, body } = lxdRender.answer(sync(await client.list(path)));
      return { kind: 'raw', contentType: json['content-type']!, headers, body: body as Buffer };
    }
    if (type === 'symlink') return bytes(await client.readlink(path), headers);
    const body = await contentOf(session, path);
    streaming = true;
    return bytes(body, headers);
  } finally {
    if (!streaming) session.release();
  }
}

export async function postFile(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const path = pathOf(request);
  const order = readOrder(request.headers);
  const session = await lxd.files.take(findInstance(lxd, request).value);
  try {
    await writeThing(session.client, path, order, request);
    return DONE;
  } finally {
    session.release();
  }
}

/** A folder must be empty. */
export async function deleteFile(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const path = pathOf(request);
  const session = await lxd.files.take(findInstance(lxd, request).value);
  try {
    const { client } = session;
    if (typeOf(await client.lstat(path)) === 'directory') await client.rmdir(path);
    else await client.remove(path);
    return DONE;
  } finally {
    session.release();
  }
}

/** `GET .../sftp` with `Upgrade: sftp`: from then on the connection is an SFTP session. */
export async function sftp(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  if (request.headers.upgrade?.toLowerCase() !== 'sftp') fail('invalid', 'Missing or invalid upgrade header: "sftp"');
  const there = await lxd.files.raw(findInstance(lxd, request).value);
  const here = await request.takeOver('sftp').catch(error => {
    there.destroy();
    throw error;
  });
  const end = () => {
    here.destroy();
    there.destroy();
  };
  void Promise.all([pipeline(here, there), pipeline(there, here)]).then(end, end);
  return { kind: 'upgraded' };
}

/** Clients send it with a leading slash and without. */
function pathOf(request: ApiRequest): string {
  const { path = '' } = request.query;
  if (path === '') fail('invalid', 'Missing path argument');
  if (path.includes('\0')) fail('invalid', 'Invalid path: it has a zero byte in it');
  if (Buffer.byteLength(path) >= MAX_PATH_BYTES) fail('invalid', `Invalid path: longer than ${MAX_PATH_BYTES} bytes`);
  return path.startsWith('/') ? path : `/${path}`;
}

async function contentOf(session: FileSession, path: string): Promise<Readable> {
  const file = await session.client.open(path, OPEN.read, 0);
  const body = Readable.from(file.read(), { highWaterMark: 4 });
  body.once('close', () => {
    void file.close().catch(() => {}); // the session may be over
    session.release();
  });
  return body;
}

const bytes = (body: Readable | Buffer | string, headers: Readonly<Record<string, string>>): Answer => ({
  kind: 'raw',
  contentType: 'application/octet-stream',
  headers,
  body,
});

const lengthOf = ({ size = 0n }: Attributes) => ({ 'content-length': String(size) });
