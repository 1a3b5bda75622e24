/** Archives that are written to this host's disk: packed on the way, whole when they are there. */
import { open } from 'node:fs/promises';
import { fail } from '../domain/errors.ts';
import { feed } from './storage/child-stream.ts';
import { onDisk } from './storage/disk-error.ts';
import type { CommandLine } from './storage/id-map.ts';

const PROGRAMS: Readonly<Record<string, CommandLine>> = {
  none: ['cat', []],
  gzip: ['gzip', ['-cn']],
  xz: ['xz', ['-c']],
  zstd: ['zstd', ['-cq']],
  bzip2: ['bzip2', ['-c']],
  lzma: ['xz', ['-c', '--format=lzma']],
};

/** On the disk when it returns. @throws AppError `invalid` for the compression, `exhausted` when the disk is full */
export async function writePacked(path: string, compression: string, tar: () => AsyncIterable<Buffer>): Promise<void> {
  const command = Object.hasOwn(PROGRAMS, compression)
    ? PROGRAMS[compression]!
    : fail('invalid', `compression "${compression}" is not one of ${Object.keys(PROGRAMS).join(', ')}`);
  await onDisk(path, async () => {
    await using file = await open(path, 'w', 0o600);
    await feed(command, tar(), { stdout: file.fd });
    await file.sync();
  });
}
