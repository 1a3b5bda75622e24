/** The files of one instance, as the API has them. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { AppError } from '../../domain/errors.ts';
import { parseAnswer } from '../api/envelope.ts';
import { at } from '../api/path.ts';
import type { Session, Target } from '../session.ts';

export interface Owner {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Permissions. */
  readonly mode?: number | undefined;
}

export interface RemoteFile {
  readonly type: string;
  readonly mode: number;
  /** What is in it; of a directory, JSON. */
  readonly body: IncomingMessage;
}

export interface RemotePlace extends Target {
  /** Inside; absolute, ending in "/" if the user typed it so. */
  readonly path: string;
}

/** `[REMOTE:]INSTANCE/PATH`. @throws AppError `invalid` */
export async function remotePlace(session: Session, text: string): Promise<RemotePlace> {
  const slash = text.indexOf('/');
  if (slash <= 0 || text.at(slash - 1) === ':')
    throw new AppError('invalid', `"${text}" is not a file of an instance: write INSTANCE/PATH`);
  return { ...(await session.resolve(text.slice(0, slash))), path: text.slice(slash) };
}

export async function readRemote({ client, name }: Target, path: string): Promise<RemoteFile> {
  const body = await client.download(at`instances/${name}/files`, { path });
  const { 'x-lxd-type': type = 'file', 'x-lxd-mode': mode = '0644' } = body.headers;
  return { type: String(type), mode: Number.parseInt(String(mode), 8), body };
}

/** The names in a directory; a name that would lead elsewhere is refused, whoever sent it. */
export async function namesOf(folder: RemoteFile): Promise<readonly string[]> {
  const answer = parseAnswer(200, await textOf(folder.body));
  const names = answer.kind === 'sync' ? (answer.metadata as readonly string[]) : [];
  const bad = names.find(name => name === '' || name === '.' || name === '..' || /[/\0]/.test(name));
  if (bad !== undefined) throw new AppError('invalid', `the server names a file "${bad}", which is no name`);
  return names;
}

export async function writeRemote(
  { client, name }: Target,
  path: string,
  type: 'file' | 'directory' | 'symlink',
  content: Readable | Buffer,
  { uid, gid, mode }: Owner = {},
): Promise<void> {
  await client.send('POST', at`instances/${name}/files`, {
    query: { path },
    stream: content,
    headers: {
      'Content-Type': 'application/octet-stream',
      'X-LXD-type': type,
      'X-LXD-write': 'overwrite',
      ...(uid === undefined ? {} : { 'X-LXD-uid': String(uid) }),
      ...(gid === undefined ? {} : { 'X-LXD-gid': String(gid) }),
      ...(mode === undefined ? {} : { 'X-LXD-mode': `0${mode.toString(8).padStart(3, '0')}` }),
    },
  });
}

export async function textOf(body: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
