/** `berth file push`: files, trees and standard input into an instance. */
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join, posix, resolve } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import type { Session, Target } from '../session.ts';
import { type Owner, remotePlace, writeRemote } from './remote-files.ts';

export interface PushOptions extends Owner {
  readonly recursive?: boolean;
  readonly createDirs?: boolean;
}

const NOTHING = Buffer.alloc(0);

export async function push(
  session: Session,
  sources: readonly string[],
  to: string,
  options: PushOptions,
): Promise<void> {
  const target = await remotePlace(session, to);
  const intoFolder = target.path.endsWith('/');
  if (sources.length > 1 && !intoFolder && !options.recursive)
    throw new AppError('invalid', 'More than one file to push, but the target is not a directory: end it with "/"');
  if (options.createDirs) await makeFolders(target, intoFolder ? target.path : posix.dirname(target.path));
  for (const source of sources) {
    if (source === '-') {
      if (intoFolder) throw new AppError('invalid', 'Standard input needs the whole path of the file, not a directory');
      await writeRemote(target, target.path, 'file', session.io.stdin, options);
      continue;
    }
    const isFolder = (await stat(source)).isDirectory();
    if (isFolder && !options.recursive) throw new AppError('invalid', `${source} is a directory: add -r`);
    const inside = intoFolder || isFolder ? posix.join(target.path, basename(resolve(source))) : target.path;
    await (isFolder ? pushTree(target, source, inside) : pushFile(target, source, inside, options));
  }
}

async function pushTree(target: Target, source: string, path: string): Promise<void> {
  const found = await lstat(source);
  if (found.isSymbolicLink()) return writeRemote(target, path, 'symlink', Buffer.from(await readlink(source)));
  if (found.isFile()) return pushFile(target, source, path, {});
  if (!found.isDirectory()) throw new AppError('invalid', `${source} is neither a file, a directory nor a symlink`);
  await writeRemote(target, path, 'directory', NOTHING, { mode: found.mode & 0o777, ...ownerOf(found) });
  for (const name of await readdir(source)) await pushTree(target, join(source, name), posix.join(path, name));
}

async function pushFile(target: Target, source: string, path: string, wanted: Owner): Promise<void> {
  const found = await stat(source);
  const own = { mode: found.mode & 0o777, ...ownerOf(found) };
  const { uid = own.uid, gid = own.gid, mode = own.mode } = wanted;
  await writeRemote(target, path, 'file', createReadStream(source), { uid, gid, mode });
}

/** Root's files keep their owners, as with `lxc`; others' belong to whoever has that number inside. */
const ownerOf = ({ uid, gid }: { readonly uid: number; readonly gid: number }) =>
  process.getuid?.() === 0 ? { uid, gid } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

async function makeFolders(target: Target, folder: string): Promise<void> {
  let path = '';
  for (const part of folder.split('/').filter(Boolean)) {
    path += `/${part}`;
    await writeRemote(target, path, 'directory', NOTHING);
  }
}
