/** `berth file pull`: files and trees out of an instance. */
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../domain/errors.ts';
import type { Session, Target } from '../session.ts';
import { namesOf, readRemote, remotePlace, textOf } from './remote-files.ts';

export interface PullOptions {
  readonly recursive?: boolean;
  readonly createDirs?: boolean;
}

export async function pull(
  session: Session,
  sources: readonly string[],
  to: string,
  { recursive = false, createDirs = false }: PullOptions,
): Promise<void> {
  if (createDirs) await mkdir(to.endsWith('/') ? to : dirname(to), { recursive: true });
  const isFolder = to.endsWith('/') || ((await stat(to).catch(() => undefined))?.isDirectory() ?? false);
  if (sources.length > 1 && !isFolder)
    throw new AppError('invalid', 'More than one file to download, but the target is not a directory');
  for (const source of sources) {
    const place = await remotePlace(session, source);
    if (to === '-') {
      const { type, body } = await readRemote(place, place.path);
      if (type === 'directory') throw new AppError('invalid', 'A directory cannot be written to standard output');
      await pipeline(body, session.io.stdout, { end: false });
    } else {
      const name = basename(posix.normalize(place.path));
      await pullTree(place, place.path, isFolder && name !== '' ? join(to, name) : to, recursive);
    }
  }
}

async function pullTree(from: Target, path: string, to: string, recursive: boolean): Promise<void> {
  const found = await readRemote(from, path);
  if (found.type === 'symlink') return symlink(await textOf(found.body), to);
  if (found.type !== 'directory') {
    await pipeline(found.body, createWriteStream(to));
    return chmod(to, found.mode & 0o777);
  }
  const names = await namesOf(found);
  if (!recursive) throw new AppError('invalid', `${path} is a directory: add -r`);
  await mkdir(to, { recursive: true });
  for (const name of names) await pullTree(from, posix.join(path, name), join(to, name), recursive);
}
