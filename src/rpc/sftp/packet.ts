/** SFTP version 3 (draft-ietf-secsh-filexfer-02) as bytes: packets, and the primitives that they are made of. */
import { AppError, fail } from '../../domain/errors.ts';

export const SFTP_VERSION = 3;

export const KIND = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

export const STATUS = { ok: 0, eof: 1, noSuchFile: 2, denied: 3, failure: 4, badMessage: 5, unsupported: 8 } as const;

/** Flags of `open`. */
export const OPEN = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

/** What one read or write may carry. */
export const MAX_DATA_BYTES = 256 * 1024;
const MAX_PACKET_BYTES = MAX_DATA_BYTES + 16 * 1024;

/** Reads the fields of one packet in turn. @throws AppError `invalid` when it is shorter than it says */
export class PacketReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.#take(1)[0]!;
  }

  u32(): number {
    return this.#take(4).readUInt32BE();
  }

  u64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  string(): Buffer {
    return this.#take(this.u32());
  }

  #take(bytes: number): Buffer {
    if (bytes > this.left) fail('invalid', 'SFTP: a packet is shorter than it says');
    this.#at += bytes;
    return this.#bytes.subarray(this.#at - bytes, this.#at);
  }
}

export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function u64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes;
}

export function string(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([u32(bytes.length), bytes]);
}

/** With its length before it. */
export function packet(kind: number, ...fields: readonly Buffer[]): Buffer {
  const length = fields.reduce((sum, each) => sum + each.length, 1);
  return Buffer.concat([u32(length), Buffer.of(kind), ...fields]);
}

/** The packets of a stream, without their lengths. @throws AppError `invalid` for one too long, `unavailable` when cut */
export async function* packetsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let have = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    have += chunk.length;
    if (have < 4) continue;
    let all = chunks.length === 1 ? chunks[0]! : undefined;
    if (all === undefined && have < 4 + needed(chunks)) continue;
    all ??= Buffer.concat(chunks);
    for (;;) {
      if (all.length < 4) break;
      const length = lengthOf(all);
      if (all.length < 4 + length) break;
      yield all.subarray(4, 4 + length);
      all = all.subarray(4 + length);
    }
    chunks = all.length === 0 ? [] : [all];
    have = all.length;
  }
  if (have > 0) throw new AppError('unavailable', 'SFTP: the stream was cut in the middle of a packet');
}

/** Of the first packet: its length may lie across chunks. */
const needed = (chunks: readonly Buffer[]): number =>
  lengthOf(chunks[0]!.length >= 4 ? chunks[0]! : Buffer.concat(chunks));

function lengthOf(bytes: Buffer): number {
  const length = bytes.readUInt32BE();
  if (length < 1 || length > MAX_PACKET_BYTES) fail('invalid', `SFTP: a packet of ${length} bytes`);
  return length;
}
