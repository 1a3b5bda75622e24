/**
 * Where things lie in a pool made of folders. A thing is made below `tmp/` and renamed to its place when it is whole,
 * and renamed back to `tmp/` before it is deleted; so what has its name is complete, and all of `tmp/` is rubbish
 * after a restart.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ImageTree } from './driver.ts';
import { rootIdOf } from './id-map.ts';
import { checkFileName, type Volume } from './volume.ts';

const PLACES = {
  instance: { folder: 'instances', tree: 'rootfs', snapshots: 'snapshots' },
  custom: { folder: 'custom', tree: 'volume', snapshots: 'custom-snapshots' },
} as const satisfies Record<Volume['kind'], object>;

/** Reachable, but not listable, by the ids that instances run as: LXC opens a root as the instance's own root. */
const PASS_THROUGH = 0o711;

export class Layout {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  async prepare(): Promise<void> {
    for (const place of Object.values(PLACES)) {
      await mkdir(join(this.source, place.folder), { recursive: true, mode: PASS_THROUGH });
      await mkdir(join(this.source, place.snapshots), { recursive: true, mode: 0o700 });
    }
    for (const name of ['images', 'transfers', 'tmp']) {
      await mkdir(join(this.source, name), { recursive: true, mode: 0o700 });
    }
  }

  /** The folder that belongs to one volume; the tree is inside. */
  home(volume: Volume): string {
    return join(this.source, PLACES[volume.kind].folder, checkFileName('volume', volume.name));
  }

  tree(volume: Volume): string {
    return join(this.home(volume), PLACES[volume.kind].tree);
  }

  snapshots(volume: Volume): string {
    return join(this.source, PLACES[volume.kind].snapshots, checkFileName('volume', volume.name));
  }

  snapshot(volume: Volume, name: string): string {
    return join(this.snapshots(volume), checkFileName('snapshot', name));
  }

  image({ fingerprint, idMap }: ImageTree): string {
    return join(this.source, 'images', `${checkFileName('image', fingerprint)}.u${rootIdOf(idMap)}`, 'rootfs');
  }

  transfer(id: string): string {
    return join(this.source, 'transfers', checkFileName('transfer', id));
  }

  /** A path that nothing else uses. */
  scratch(): string {
    return join(this.source, 'tmp', randomBytes(8).toString('hex'));
  }

  /** All volumes that have a folder, whether their tree is there or not. */
  async homes(): Promise<Volume[]> {
    const found: Volume[] = [];
    for (const kind of ['instance', 'custom'] as const) {
      for (const name of await readdir(join(this.source, PLACES[kind].folder))) found.push({ kind, name });
    }
    return found;
  }
}

export async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** Puts a finished tree in its place, making the folder above. */
export async function moveInto(from: string, place: string): Promise<void> {
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  await rename(from, place);
}

/**
 * Makes the folder of a volume and closes it to all but the host and the instance's root: the tree inside has setuid
 * programs of ids that are nobody's on this host, or of root's. A custom volume of the host's own ids is for instances of
 * any ids, so all may pass through, as in LXD.
 */
export async function closeHome(layout: Layout, volume: Volume, rootId: number): Promise<void> {
  const home = layout.home(volume);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await chown(home, rootId, rootId);
  await chmod(home, volume.kind === 'custom' && rootId === 0 ? 0o111 : 0o100);
}
