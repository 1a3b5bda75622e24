/** For tests: a folder, or a btrfs on a loop file, that is gone when the test is over, also when it failed. */
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolDriver } from '../../../domain/storage-pool.ts';
import { run } from '../../command.ts';

/** What both a test and a suite can offer: work for when it is over. */
export interface Test {
  after(work: () => Promise<unknown>): void;
}

export async function scratchFolder(test: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-storage-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A mounted folder of the kind; the file behind it is sparse. */
export async function scratchSource(test: Test, driver: PoolDriver, bytes = 1 << 30): Promise<string> {
  if (driver === 'dir') return scratchFolder(test);
  const folder = await mkdtemp(join(tmpdir(), 'berth-storage-'));
  const source = join(folder, 'pool');
  const image = join(folder, 'pool.img');
  test.after(async () => {
    await run('umount', [source], { allowFailure: true });
    await rm(folder, { recursive: true, force: true });
  });
  await mkdir(source);
  await writeFile(image, '');
  await truncate(image, bytes);
  await run('mkfs.btrfs', ['-q', image]);
  await run('mount', ['-o', 'loop', image, source]);
  return source;
}
