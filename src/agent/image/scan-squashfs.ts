/**
 * Checks a squashfs root by its listing, before it is unpacked. Its format has no room for paths that lead outside;
 * device nodes and size are what can be wrong with it. unsquashfs reads it with no more rights than an instance has.
 */
import { open, stat } from 'node:fs/promises';
import { AppError } from '../../domain/errors.ts';
import { output } from '../storage/child-stream.ts';
import { DEFAULT_ID_MAP, within } from '../storage/id-map.ts';
import type { TarEntry } from '../storage/tar-parser.ts';
import { createEntryPolicy } from './entry-policy.ts';
import { createExpansionGuard, type ImageLimits } from './limits.ts';

export interface SquashfsScan {
  readonly entries: number;
  readonly skipped: number;
  readonly unpackedBytes: number;
}

/** Mode, owner, size or device numbers, date, time, path below "squashfs-root". */
const LINE = /^([-dlbcps])\S{9} \d+\/\d+ +(\d+|\d+, +\d+) \d{4}-\d\d-\d\d \d\d:\d\d squashfs-root(?:\/(.*))?$/;
const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  b: 'device',
  c: 'device',
  p: 'fifo',
};

export async function scanSquashfs(file: string, limits: ImageLimits): Promise<SquashfsScan> {
  const policy = createEntryPolicy('', limits.entries);
  const guard = createExpansionGuard(limits, (await stat(file)).size);
  let entries = 0;
  let unpackedBytes = 0;
  for await (const line of listing(file)) {
    const [, letter, size, shown = ''] = LINE.exec(line) ?? [];
    if (letter === undefined) continue; // the rest of a name with a line break in it
    const type = TYPES[letter] ?? 'other';
    const path = type === 'symlink' ? shown.split(' -> ')[0]! : shown;
    policy.admit({ path, type, target: '' });
    const bytes = type === 'file' ? Number(size) : 0;
    guard(bytes);
    unpackedBytes += bytes;
    entries += 1;
  }
  return { entries, skipped: policy.skipped, unpackedBytes };
}

async function* listing(file: string): AsyncGenerator<string> {
  await using handle = await open(file);
  let rest = '';
  try {
    for await (const chunk of output(within(DEFAULT_ID_MAP, ['unsquashfs', ['-lln', '/dev/stdin']]), {
      stdin: handle.fd,
    })) {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'internal') throw error;
    throw new AppError('invalid', 'The squashfs of the image is truncated or damaged: upload it again', error);
  }
}
