/** How an image file is packed, by its first bytes (never by its name), and the program that unpacks it. */
import { open } from 'node:fs/promises';
import { AppError } from '../../domain/errors.ts';
import { output } from '../storage/child-stream.ts';
import type { CommandLine } from '../storage/id-map.ts';

export const PACKINGS = ['none', 'gzip', 'xz', 'zstd', 'bzip2', 'lzma', 'squashfs'] as const;
export type Packing = (typeof PACKINGS)[number];

const MAGIC: readonly (readonly [Packing, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['bzip2', Buffer.from('BZh')],
  ['lzma', Buffer.from([0x5d, 0x00, 0x00])],
  ['squashfs', Buffer.from('hsqs')],
];
const VIRTUAL_MACHINE = Buffer.from('QFI\xfb', 'latin1');
/** Programs that write the plain tar to their output. */
const UNPACK: Readonly<Record<Exclude<Packing, 'none' | 'squashfs'>, CommandLine>> = {
  gzip: ['gzip', ['-dc']],
  xz: ['xz', ['-dc', '--memlimit-decompress=256MiB']],
  zstd: ['zstd', ['-dcq', '--memory=256MB']],
  bzip2: ['bzip2', ['-dc']],
  lzma: ['xz', ['-dc', '--format=lzma', '--memlimit-decompress=256MiB']],
};
const READ_BYTES = 256 * 1024;

/** Whatever has no magic of its own is taken for a plain tar; reading it shows whether it is one. */
export async function packingOf(file: string): Promise<Packing> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
  const head = buffer.subarray(0, bytesRead);
  if (bytesRead === 0) throw new AppError('invalid', 'The image file is empty: upload it again');
  const starts = (magic: Buffer) => head.subarray(0, magic.length).equals(magic);
  if (starts(VIRTUAL_MACHINE)) {
    throw new AppError(
      'unsupported',
      'This is the disk of a virtual machine: use the container image of the same release',
    );
  }
  return MAGIC.find(([, magic]) => starts(magic))?.[0] ?? 'none';
}

/** The plain tar in a file. Throws `invalid` if it is truncated or damaged. Not for squashfs. */
export async function* tarIn(file: string, packing: Exclude<Packing, 'squashfs'>): AsyncGenerator<Buffer> {
  await using handle = await open(file);
  if (packing === 'none') {
    yield* handle.createReadStream({ highWaterMark: READ_BYTES, autoClose: false });
    return;
  }
  try {
    yield* output(UNPACK[packing], { stdin: handle.fd });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'internal') throw error;
    throw new AppError('invalid', `The image file is truncated or damaged (${error.message}): upload it again`, error);
  }
}
