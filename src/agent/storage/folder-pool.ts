/**
 * A pool made of folders: the storage port over `TreeOps`. All that drivers have in common is here: the layout, making
 * things aside and renaming them into place, and doing nothing when it was done before.
 */
import { chmod, chown, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../domain/errors.ts';
import type { PoolDriver } from '../../domain/storage-pool.ts';
import { openBtrfsReceiver, openBtrfsSender } from './btrfs-transfer.ts';
import { onDisk } from './disk-error.ts';
import type { StorageDriver } from './driver.ts';
import { type IdMap, rootIdOf } from './id-map.ts';
import { createKeyedLock } from './keyed-lock.ts';
import { closeHome, isThere, Layout, moveInto } from './layout.ts';
import { sweep } from './sweep.ts';
import type { TreeOps } from './tree-ops.ts';
import { openTreeReceiver } from './tree-receiver.ts';
import { openTreeSender } from './tree-sender.ts';
import { describe, type Volume } from './volume.ts';

/** Opens the pool at `source`, an existing folder, and clears away what a crash left half-done there. */
export async function openFolderPool(driver: PoolDriver, source: string, trees: TreeOps): Promise<StorageDriver> {
  if (!(await isThere(source))) fail('not-found', `The pool's folder ${source} does not exist: is it mounted?`);
  await trees.check(source);
  const layout = new Layout(source);
  await layout.prepare();
  await sweep(layout, trees);

  const lock = createKeyedLock();
  const within = <T>(place: string, work: () => Promise<T>): Promise<T> => lock(place, () => onDisk(source, work));

  /** Fills a scratch tree and puts it in its place; does nothing if the place is taken. */
  const produce = (place: string, fill: (scratch: string) => Promise<void>, before?: () => Promise<void>) =>
    within(place, async () => {
      if (await isThere(place)) return;
      const scratch = layout.scratch();
      try {
        await fill(scratch);
        await before?.();
        await moveInto(scratch, place);
      } catch (error) {
        await trees.remove(scratch);
        throw error;
      }
    });

  const produceVolume = (volume: Volume, rootId: number, fill: (scratch: string) => Promise<void>) =>
    produce(layout.tree(volume), fill, () => closeHome(layout, volume, rootId));

  /** Not of the tree itself: an instance may give its own away. */
  const rootId = async (volume: Volume): Promise<number> => (await stat(layout.home(volume))).uid;

  /** @param from a tree of the same owners as `volume` has */
  const cloneTree = async (volume: Volume, from: string, target: Volume): Promise<void> => {
    await produceVolume(target, await rootId(volume), scratch => trees.copy(from, scratch));
  };

  const discard = async (place: string): Promise<void> => {
    if (!(await isThere(place))) return;
    const scratch = layout.scratch();
    await rename(place, scratch);
    await trees.remove(scratch);
  };

  const needed = async (volume: Volume): Promise<string> => {
    const tree = layout.tree(volume);
    if (!(await isThere(tree))) fail('not-found', `There is no ${describe(volume)} in pool ${source}`);
    return tree;
  };

  const neededSnapshot = async (volume: Volume, name: string): Promise<string> => {
    const path = layout.snapshot(volume, name);
    if (!(await isThere(path))) fail('not-found', `${describe(volume)} has no snapshot "${name}"`);
    return path;
  };

  return {
    driver,
    source,

    ensureImage: async (image, unpack) =>
      produce(layout.image(image), async scratch => {
        await makeOwned(trees, scratch, image.idMap);
        await unpack(scratch);
        await trees.settle(scratch);
      }),
    hasImage: async image => isThere(layout.image(image)),
    async removeImage(fingerprint) {
      for (const name of await readdir(join(source, 'images'))) {
        if (!name.startsWith(`${fingerprint}.`)) continue;
        const home = join(source, 'images', name);
        await within(join(home, 'rootfs'), async () => {
          await discard(join(home, 'rootfs'));
          await rm(home, { recursive: true, force: true });
        });
      }
    },

    async createFromImage(volume, image) {
      const from = layout.image(image);
      await produceVolume(volume, rootIdOf(image.idMap), async scratch => {
        if (!(await isThere(from))) fail('not-found', `Image ${image.fingerprint} is not unpacked in pool ${source}`);
        await trees.copy(from, scratch);
      });
    },
    createEmpty: async (volume, idMap) =>
      produceVolume(volume, rootIdOf(idMap), scratch => makeOwned(trees, scratch, idMap)),
    remove: async volume =>
      within(layout.tree(volume), async () => {
        await discard(layout.tree(volume));
        await rm(layout.home(volume), { recursive: true, force: true });
        for (const name of await namesIn(layout.snapshots(volume))) await discard(layout.snapshot(volume, name));
        await rm(layout.snapshots(volume), { recursive: true, force: true });
      }),
    exists: async volume => isThere(layout.tree(volume)),
    async list() {
      const homes = await layout.homes();
      const there = await Promise.all(homes.map(volume => isThere(layout.tree(volume))));
      return homes.filter((_, i) => there[i]);
    },

    activate: needed,
    async deactivate() {},
    async rootId(volume) {
      await needed(volume);
      return rootId(volume);
    },

    usageBytes: async volume => trees.usageBytes(await needed(volume)),
    setQuota: async (volume, bytes) => trees.setQuota(await needed(volume), bytes),
    async poolUsage() {
      const { blocks, bfree, bsize } = await statfs(source);
      return { totalBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize };
    },

    snapshotsAreAtomic: trees.copiesAreAtomic,
    async snapshot(volume, name) {
      const from = await needed(volume);
      await produce(layout.snapshot(volume, name), scratch => trees.copy(from, scratch));
    },
    removeSnapshot: async (volume, name) =>
      within(layout.snapshot(volume, name), async () => {
        await discard(layout.snapshot(volume, name));
        await rmdir(layout.snapshots(volume)).catch(() => {}); // others are left, or it is gone
      }),
    listSnapshots: async volume => namesIn(layout.snapshots(volume)),
    snapshotPath: neededSnapshot,
    cloneSnapshot: async (volume, name, target) => cloneTree(volume, await neededSnapshot(volume, name), target),
    clone: async (volume, target) => cloneTree(volume, await needed(volume), target),
    async copySnapshot(volume, name, target, targetName) {
      const from = await neededSnapshot(volume, name);
      await produce(layout.snapshot(target, targetName), scratch => trees.copy(from, scratch));
    },
    async restore(volume, name, replaced) {
      const from = await neededSnapshot(volume, name);
      const tree = await needed(volume);
      const aside = replaced === undefined ? undefined : layout.snapshot(volume, replaced);
      await within(tree, async () => {
        if (aside !== undefined && (await isThere(aside))) return;
        const scratch = layout.scratch();
        await trees.copy(from, scratch);
        // From here a crash is completed by `sweep`: a whole `.new` beside a missing tree takes its place.
        await rename(scratch, `${tree}.new`);
        await (aside === undefined ? discard(tree) : rename(tree, aside));
        await rename(`${tree}.new`, tree);
      });
    },

    transferMethods: () => trees.transferMethods,
    openSender: async order =>
      order.method === 'btrfs' ? openBtrfsSender(layout, trees, order) : openTreeSender(layout, order),
    openReceiver: async order =>
      order.method === 'btrfs' ? openBtrfsReceiver(layout, trees, order) : openTreeReceiver(layout, trees, order),
  };
}

async function makeOwned(trees: TreeOps, path: string, idMap: IdMap | undefined): Promise<void> {
  await trees.make(path);
  await chown(path, rootIdOf(idMap), rootIdOf(idMap));
  await chmod(path, 0o755);
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
