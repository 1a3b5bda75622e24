/** How LXD says in headers what a file is. */
import type { IncomingHttpHeaders } from 'node:http';
import { fail } from '../../../domain/errors.ts';
import type { Attributes } from '../../../rpc/sftp/attributes.ts';

export const FILE_TYPES = ['file', 'directory', 'symlink'] as const;
export type FileType = (typeof FILE_TYPES)[number];
const WRITES = ['overwrite', 'append'] as const;

export interface FileOrder {
  readonly type: FileType;
  readonly append: boolean;
  /** Undefined: as it is, or the default of a new one. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly mode: number | undefined;
}

/** S_IFMT and what it can be. (A Map: biome 2.6 miscounts octal keys of objects.) */
const TYPE_BITS = new Map<number, FileType>([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
]);
const MAX_ID = 0xffff_fffe;

/** Undefined for what is none of the three: a fifo, a socket, a device. */
export const typeOf = ({ mode = 0 }: Attributes): FileType | undefined => TYPE_BITS.get(mode & 0o170000);

export function fileHeaders(type: FileType, { uid = 0, gid = 0, mode = 0, mtime = 0 }: Attributes) {
  const at = new Date(mtime * 1000).toISOString();
  return {
    'X-LXD-uid': String(uid),
    'X-LXD-gid': String(gid),
    'X-LXD-mode': `0${(mode & 0o7777).toString(8).padStart(3, '0')}`,
    'X-LXD-type': type,
    'X-LXD-modified': `${at.slice(0, 10)} ${at.slice(11, 19)} +0000 UTC`,
  };
}

/** @throws AppError `invalid` naming the header */
export function readOrder(headers: IncomingHttpHeaders): FileOrder {
  const text = (name: string) => [headers[name]].flat()[0] ?? '';
  const oneOf = <T extends string>(name: string, known: readonly T[]): T => {
    const value = text(name) || known[0]!;
    return known.find(each => each === value) ?? fail('invalid', `Bad ${name}: "${value}" is not ${known.join(', ')}`);
  };
  const id = (name: string): number | undefined => {
    const value = text(name);
    if (value === '' || value === '-1') return undefined;
    if (!/^\d{1,10}$/.test(value) || Number(value) > MAX_ID) fail('invalid', `Bad ${name}: "${value}" is not an id`);
    return Number(value);
  };
  const mode = text('x-lxd-mode');
  if (!/^(0o)?[0-7]{0,6}$/.test(mode)) fail('invalid', `Bad x-lxd-mode: "${mode}" is not an octal number like 0644`);
  return {
    type: oneOf('x-lxd-type', FILE_TYPES),
    append: oneOf('x-lxd-write', WRITES) === 'append',
    uid: id('x-lxd-uid'),
    gid: id('x-lxd-gid'),
    mode: mode === '' ? undefined : Number.parseInt(mode.replace('0o', ''), 8) & 0o7777,
  };
}
