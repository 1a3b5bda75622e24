/**
 * Reads an uploaded backup: first from end to end, to see that all of it may be unpacked and what it says of itself; then
 * root by root, each inside the id mapping of the instance that it becomes.
 */
import { stat } from 'node:fs/promises';
import { AppError, fail } from '../../domain/errors.ts';
import { packingOf, tarIn } from '../image/compression.ts';
import { createEntryPolicy } from '../image/entry-policy.ts';
import { createExpansionGuard, DEFAULT_LIMITS, guarded } from '../image/limits.ts';
import { feed } from '../storage/child-stream.ts';
import { type IdMap, withinShifted } from '../storage/id-map.ts';
import { createTarParser } from '../storage/tar-parser.ts';
import { KEEP_ALL } from '../storage/tree-sender.ts';

const INDEX = 'backup/index.yaml';
const CONFIG = 'backup/container/backup.yaml';
const TEXT_LIMIT_BYTES = 4 * 1024 * 1024;

export interface BackupTexts {
  readonly index: string;
  /** '' = there is none. */
  readonly config: string;
  readonly kind: 'instance' | 'volume';
}

/** @throws AppError `invalid` for what is no backup, or has an entry that no backup needs. */
export async function examineBackup(file: string): Promise<BackupTexts> {
  const policy = createEntryPolicy('backup', DEFAULT_LIMITS.entries);
  const texts: Record<string, Buffer[]> = {};
  let textBytes = 0;
  let kind: BackupTexts['kind'] | undefined;
  const parser = createTarParser(entry => {
    const path = policy.admit(entry);
    if (entry.path.startsWith('./') || (path !== 'backup' && !path.startsWith('backup/')))
      fail('invalid', `This is no backup: it holds "${path}" outside of backup/`);
    if (/^backup\/(container|volume|(volume-)?snapshots\/[^/]+)\.bin$/.test(path))
      fail('unsupported', 'The backup is in the format of one storage driver: export it without --optimized-storage');
    if (path.startsWith('backup/virtual-machine')) fail('unsupported', 'This is the backup of a virtual machine');
    if (path === 'backup/container/rootfs') kind = 'instance';
    if (path === 'backup/volume') kind ??= 'volume';
    if ((path !== INDEX && path !== CONFIG) || entry.type !== 'file') return undefined;
    textBytes += entry.sizeBytes;
    if (textBytes > TEXT_LIMIT_BYTES) fail('invalid', `The backup's ${path} is larger than 4 MiB`);
    const parts: Buffer[] = [];
    texts[path] = parts;
    return part => parts.push(Buffer.from(part));
  });
  for await (const chunk of await plainTar(file)) parser.push(chunk);
  parser.end();
  if (texts[INDEX] === undefined) fail('invalid', `This is no backup: ${INDEX} is missing`);
  if (kind === undefined) fail('invalid', 'The backup has neither backup/container/rootfs nor backup/volume in it');
  const textOf = (path: string) => Buffer.concat(texts[path] ?? []).toString();
  return { index: textOf(INDEX), config: textOf(CONFIG), kind };
}

export interface UnpackOrder {
  readonly file: string;
  /** In the archive: `backup/container/rootfs`. */
  readonly root: string;
  /** Empty, and owned by the root of the mapping. */
  readonly folder: string;
  readonly idMap: IdMap | undefined;
  /** Owners in the archive are those inside, plus this. */
  readonly idBase: number;
}

export async function unpackBackup({ file, root, folder, idMap, idBase }: UnpackOrder): Promise<void> {
  if (idBase !== 0 && idMap === undefined)
    fail('unsupported', 'The files of the backup have shifted owners: a privileged instance cannot be made of it');
  const depth = root.split('/').length;
  const select = ['--anchored', '--no-wildcards', `--strip-components=${depth}`, root];
  const tar = withinShifted(idMap, idBase, ['tar', ['-x', '-p', '--same-owner', ...KEEP_ALL, ...select]]);
  try {
    await feed(tar, await plainTar(file), { cwd: folder });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'internal') throw error;
    throw new AppError('invalid', `The backup cannot be unpacked: ${error.message}`, error);
  }
}

async function plainTar(file: string): Promise<AsyncGenerator<Buffer>> {
  const packing = await packingOf(file);
  if (packing === 'squashfs') fail('invalid', 'This is no backup: it is a squashfs');
  const tar = packing as Exclude<typeof packing, 'squashfs'>;
  return guarded(tarIn(file, tar), createExpansionGuard(DEFAULT_LIMITS, (await stat(file)).size));
}
