/**
 * Unpacks the root of an image into a folder, inside the id mapping of the instances that will use it: the kernel
 * shifts the owners on the way, and the archive can reach nothing else. What is below /dev is left out.
 */
import { open } from 'node:fs/promises';
import { AppError } from '../../domain/errors.ts';
import { feed, output } from '../storage/child-stream.ts';
import { type IdMap, within } from '../storage/id-map.ts';
import { KEEP_ALL } from '../storage/tree-sender.ts';
import { tarIn } from './compression.ts';
import type { ImageInfo } from './image-info.ts';
import { createExpansionGuard, guarded, type ImageLimits } from './limits.ts';

/**
 * @param file the file of the image that holds its root
 * @param folder empty, and owned by the root of the mapping
 */
export async function unpackRoot(
  info: ImageInfo,
  file: string,
  folder: string,
  idMap: IdMap | undefined,
  limits: ImageLimits,
): Promise<void> {
  const { packing, dotted } = info.root;
  if (packing === 'squashfs') return unsquash(file, folder, idMap);
  const guard = createExpansionGuard(limits, info.sizeBytes);
  const tar = within(idMap, ['tar', ['-x', '-p', '--same-owner', ...KEEP_ALL, ...selection(info.split, dotted)]]);
  try {
    await feed(tar, guarded(tarIn(file, packing), guard), { cwd: folder });
  } catch (error) {
    throw asRefusal(error);
  }
}

/** Only the root, without the folder it is in, and nothing below /dev. */
function selection(split: boolean, dotted: boolean): readonly string[] {
  const dot = dotted ? './' : '';
  if (split) return ['--anchored', `--exclude=${dot}dev/*`];
  return ['--anchored', `--exclude=${dot}rootfs/dev/*`, `--strip-components=${dotted ? 2 : 1}`, `${dot}rootfs`];
}

async function unsquash(file: string, folder: string, idMap: IdMap | undefined): Promise<void> {
  await using handle = await open(file);
  const args = [
    '-quiet',
    '-no-progress',
    '-force',
    '-da',
    '64',
    '-fr',
    '64',
    '-d',
    '.',
    '-excludes',
    '/dev/stdin',
    'dev/*',
  ];
  try {
    for await (const _ of output(within(idMap, ['unsquashfs', args]), { cwd: folder, stdin: handle.fd }));
  } catch (error) {
    throw asRefusal(error);
  }
}

/** What the program says is wrong with the archive is the archive's fault, not ours. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'internal') return error;
  const [, owner] = /Cannot change ownership to (uid \d+, gid \d+): Invalid argument/.exec(error.message) ?? [];
  if (owner !== undefined) {
    const message = `The image has a file of ${owner}, more than an unprivileged instance has ids: use security.privileged`;
    return new AppError('invalid', message, error);
  }
  return new AppError('invalid', `The image cannot be unpacked (${error.message}): build or upload it again`, error);
}
