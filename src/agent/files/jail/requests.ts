/** What each SFTP request does in the root that this process is shut into. Synchronous: one session, one process. */
import * as fs from 'node:fs';
import { type Attributes, encodeAttributes, readAttributes } from '../../../rpc/sftp/attributes.ts';
import { KIND, MAX_DATA_BYTES, OPEN, type PacketReader, string, u32, u64 } from '../../../rpc/sftp/packet.ts';
import type { Jail } from './system.ts';

/** An answer: its kind and fields, without the id. `undefined`: status ok. `eof`: there is no more. */
export type Reply = { readonly kind: number; readonly fields: readonly Buffer[] } | 'eof' | undefined;
export type Handler = (reader: PacketReader) => Reply;

const MAX_HANDLES = 256;
const NAMES_AT_ONCE = 128;

interface OpenFile {
  readonly fd: number;
  readonly append: boolean;
}
type Opened = { readonly file: OpenFile } | { readonly folder: fs.Dir; readonly path: Buffer };

export function requestHandlers(jail: Jail): Readonly<Record<number, Handler>> {
  const handles = new Map<string, Opened>();
  let next = 0;
  const keep = (opened: Opened): Reply => {
    next += 1;
    handles.set(String(next), opened);
    return { kind: KIND.handle, fields: [string(String(next))] };
  };
  const room = (): void => {
    if (handles.size >= MAX_HANDLES) throw refusal('EMFILE', 'too many files are open');
  };
  const known = (reader: PacketReader): Opened => {
    const opened = handles.get(reader.string().toString());
    if (opened === undefined) throw refusal('EBADF', 'no such handle');
    return opened;
  };
  const file = (reader: PacketReader): OpenFile => {
    const opened = known(reader);
    if (!('file' in opened)) throw refusal('EBADF', 'the handle is of a directory');
    return opened.file;
  };

  return {
    [KIND.open]: reader => {
      room();
      const path = pathIn(reader);
      const flags = reader.u32();
      const wanted = readAttributes(reader);
      const fd = jail.open(path, openFlags(flags), permissions(wanted.mode) ?? 0o644);
      return keep({ file: { fd, append: (flags & OPEN.append) !== 0 } });
    },
    [KIND.close]: reader => {
      const name = reader.string().toString();
      const opened = handles.get(name);
      if (opened === undefined) throw refusal('EBADF', 'no such handle');
      handles.delete(name);
      if ('file' in opened) fs.closeSync(opened.file.fd);
      else opened.folder.closeSync();
      return undefined;
    },
    [KIND.read]: reader => {
      const { fd } = file(reader);
      const offset = reader.u64();
      const bytes = Buffer.allocUnsafe(Math.min(reader.u32(), MAX_DATA_BYTES));
      let have = 0;
      while (have < bytes.length) {
        const got = fs.readSync(fd, bytes, have, bytes.length - have, offset + BigInt(have));
        if (got === 0) break;
        have += got;
      }
      return have === 0 ? 'eof' : { kind: KIND.data, fields: [string(bytes.subarray(0, have))] };
    },
    [KIND.write]: reader => {
      const { fd, append } = file(reader);
      const offset = Number(reader.u64());
      const bytes = reader.string();
      for (let done = 0; done < bytes.length; )
        done += fs.writeSync(fd, bytes, done, bytes.length - done, append ? null : offset + done);
      return undefined;
    },
    [KIND.fstat]: reader => attrs(fs.fstatSync(file(reader).fd, { bigint: true })),
    [KIND.fsetstat]: reader => {
      const { fd } = file(reader);
      const { uid, gid, mode, size, atime, mtime } = readAttributes(reader);
      if (size !== undefined) fs.ftruncateSync(fd, Number(size));
      if (uid !== undefined && gid !== undefined) fs.fchownSync(fd, uid, gid);
      if (mode !== undefined) fs.fchmodSync(fd, mode & 0o7777); // after the owner: changing that clears setuid
      if (atime !== undefined && mtime !== undefined) fs.futimesSync(fd, atime, mtime);
      return undefined;
    },
    [KIND.lstat]: reader => attrs(fs.lstatSync(pathIn(reader), { bigint: true })),
    [KIND.stat]: reader => attrs(fs.statSync(pathIn(reader), { bigint: true })),
    [KIND.setstat]: reader => {
      const path = pathIn(reader);
      const wanted = readAttributes(reader);
      if (wanted.size !== undefined) truncate(jail, path, wanted.size);
      setAttributes(path, wanted);
      return undefined;
    },
    [KIND.opendir]: reader => {
      room();
      const path = pathIn(reader);
      return keep({ folder: fs.opendirSync(path as never, { encoding: 'buffer' as never }), path });
    },
    [KIND.readdir]: reader => {
      const opened = known(reader);
      if (!('folder' in opened)) throw refusal('EBADF', 'the handle is of a file');
      const names: Buffer[] = [];
      for (let count = 0; count < NAMES_AT_ONCE; count += 1) {
        const entry = opened.folder.readSync();
        if (entry === null) break;
        names.push(...nameOf(opened.path, entry.name as unknown as Buffer));
      }
      if (names.length === 0) return 'eof';
      return { kind: KIND.name, fields: [u32(names.length), ...names] };
    },
    [KIND.remove]: reader => void fs.unlinkSync(pathIn(reader)),
    [KIND.rmdir]: reader => void fs.rmdirSync(pathIn(reader)),
    [KIND.mkdir]: reader => {
      const path = pathIn(reader);
      const mode = permissions(readAttributes(reader).mode) ?? 0o755;
      fs.mkdirSync(path, { mode });
      return undefined;
    },
    [KIND.realpath]: reader => name(normal(pathIn(reader))),
    [KIND.readlink]: reader => name(fs.readlinkSync(pathIn(reader), 'buffer')),
    // As all implementations have it, not as the draft says: the target first.
    [KIND.symlink]: reader => {
      const target = pathIn(reader);
      fs.symlinkSync(target, pathIn(reader));
      return undefined;
    },
    [KIND.rename]: reader => {
      const [from, to] = [pathIn(reader), pathIn(reader)];
      if (fs.lstatSync(to, { throwIfNoEntry: false })) throw refusal('EEXIST', 'it exists already');
      fs.renameSync(from, to);
      return undefined;
    },
    [KIND.extended]: reader => {
      const wanted = reader.string().toString();
      switch (wanted) {
        case 'posix-rename@openssh.com': {
          const from = pathIn(reader);
          fs.renameSync(from, pathIn(reader));
          return undefined;
        }
        case 'hardlink@openssh.com': {
          const from = pathIn(reader);
          fs.linkSync(from, pathIn(reader));
          return undefined;
        }
        case 'fsync@openssh.com':
          fs.fsyncSync(file(reader).fd);
          return undefined;
        case 'statvfs@openssh.com':
          return statvfs(fs.statfsSync(pathIn(reader), { bigint: true }));
      }
      throw refusal('EOPNOTSUPP', `"${wanted.slice(0, 64)}" is not known here`);
    },
  };
}

/** Announced to the client. */
export const EXTENSIONS: readonly Buffer[] = [
  ...['posix-rename@openssh.com', '1', 'statvfs@openssh.com', '2'],
  ...['hardlink@openssh.com', '1', 'fsync@openssh.com', '1'],
].map(text => string(text));

function pathIn(reader: PacketReader): Buffer {
  const path = reader.string();
  if (path.includes(0)) throw refusal('EINVAL', 'a path with a zero byte');
  return path.length === 0 ? Buffer.from('.') : path;
}

function openFlags(flags: number): number {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_TRUNC, O_EXCL, O_NOCTTY } = fs.constants;
  const way = flags & OPEN.write ? (flags & OPEN.read ? O_RDWR : O_WRONLY) : O_RDONLY;
  const has = (flag: number, meaning: number) => (flags & flag ? meaning : 0);
  const more = has(OPEN.append, O_APPEND) | has(OPEN.create, O_CREAT);
  return way | O_NOCTTY | more | has(OPEN.truncate, O_TRUNC) | has(OPEN.exclusive, O_EXCL);
}

/** Of what the path leads to, through links; a link itself only where there is nothing behind it to change. */
function setAttributes(path: Buffer, { uid, gid, mode, atime, mtime }: Attributes): void {
  const isLink = fs.lstatSync(path).isSymbolicLink();
  if (uid !== undefined && gid !== undefined) (isLink ? fs.lchownSync : fs.chownSync)(path, uid, gid);
  if (mode !== undefined && !isLink) fs.chmodSync(path, mode & 0o7777);
  if (atime !== undefined && mtime !== undefined) fs.lutimesSync(path, atime, mtime);
}

function truncate(jail: Jail, path: Buffer, size: bigint): void {
  const fd = jail.open(path, fs.constants.O_WRONLY, 0);
  try {
    fs.ftruncateSync(fd, Number(size));
  } finally {
    fs.closeSync(fd);
  }
}

const permissions = (mode: number | undefined): number | undefined => (mode === undefined ? undefined : mode & 0o7777);

const attributesOf = (stat: fs.BigIntStats): Attributes => ({
  size: stat.size,
  uid: Number(stat.uid),
  gid: Number(stat.gid),
  mode: Number(stat.mode),
  atime: Number(stat.atimeMs / 1000n),
  mtime: Number(stat.mtimeMs / 1000n),
});

const attrs = (stat: fs.BigIntStats): Reply => ({ kind: KIND.attrs, fields: [encodeAttributes(attributesOf(stat))] });

const name = (path: Buffer): Reply => ({
  kind: KIND.name,
  fields: [u32(1), string(path), string(path), encodeAttributes({})],
});

/** One entry of a folder; none if it is gone already. */
function nameOf(folder: Buffer, entry: Buffer): readonly Buffer[] {
  const stat = fs.lstatSync(Buffer.concat([folder, Buffer.from('/'), entry]), { bigint: true, throwIfNoEntry: false });
  return stat === undefined
    ? []
    : [Buffer.concat([string(entry), string(entry), encodeAttributes(attributesOf(stat))])];
}

/** Without ".", ".." and doubled slashes; bytes stay as they are. */
function normal(path: Buffer): Buffer {
  const done: string[] = [];
  for (const part of path.toString('latin1').split('/')) {
    if (part === '..') done.pop();
    else if (part !== '' && part !== '.') done.push(part);
  }
  return Buffer.from(`/${done.join('/')}`, 'latin1');
}

/** struct statvfs, all fields 64 bits wide. */
function statvfs({ bsize, blocks, bfree, bavail, files, ffree }: fs.BigIntStatsFs): Reply {
  const fields = [bsize, bsize, blocks, bfree, bavail, files, ffree, ffree, 0n, 0n, 255n];
  return { kind: KIND.extendedReply, fields: fields.map(u64) };
}

function refusal(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
