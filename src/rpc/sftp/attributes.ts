/** SFTP's file attributes: what is not said is left alone. */
import { type PacketReader, u32, u64 } from './packet.ts';

export interface Attributes {
  readonly size?: bigint;
  readonly uid?: number;
  readonly gid?: number;
  /** Type and permissions, as `st_mode`. */
  readonly mode?: number;
  /** Seconds since the epoch. */
  readonly atime?: number;
  readonly mtime?: number;
}

const SIZE = 1;
const OWNER = 2;
const MODE = 4;
const TIMES = 8;
const EXTENDED = 0x8000_0000;

export function readAttributes(reader: PacketReader): Attributes {
  const flags = reader.u32();
  const attributes = {
    ...(flags & SIZE ? { size: reader.u64() } : {}),
    ...(flags & OWNER ? { uid: reader.u32(), gid: reader.u32() } : {}),
    ...(flags & MODE ? { mode: reader.u32() } : {}),
    ...(flags & TIMES ? { atime: reader.u32(), mtime: reader.u32() } : {}),
  };
  for (let count = flags & EXTENDED ? reader.u32() : 0; count > 0; count -= 1) {
    reader.string();
    reader.string();
  }
  return attributes;
}

/** Owner and times are sent if both halves are known. */
export function encodeAttributes({ size, uid, gid, mode, atime, mtime }: Attributes): Buffer {
  const fields: Buffer[] = [];
  let flags = 0;
  const add = (flag: number, ...bytes: readonly Buffer[]) => {
    flags |= flag;
    fields.push(...bytes);
  };
  if (size !== undefined) add(SIZE, u64(size));
  if (uid !== undefined && gid !== undefined) add(OWNER, u32(uid), u32(gid));
  if (mode !== undefined) add(MODE, u32(mode));
  if (atime !== undefined && mtime !== undefined) add(TIMES, u32(atime), u32(mtime));
  return Buffer.concat([u32(flags), ...fields]);
}
