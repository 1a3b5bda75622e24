/**
 * Kept states: the memory and the processes of an instance as CRIU's images, one folder each, on disk because they must
 * outlive the host's power. `DATA/states/<instance>/stopped` belongs to what its volume holds now, those named by a
 * snapshot to that snapshot. What has its name is complete; names that begin with a dot are work, or rubbish.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readdirSync, statSync } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../atomic-file.ts';
import { PASS_THROUGH } from '../move/moves-folder.ts';

/** The state of an instance that was stopped with it. */
export const STOPPED_STATE = 'stopped';

export interface StateFolders {
  /** Of one state: `STOPPED_STATE`, or a snapshot's id. */
  path(instance: string, state: string): string;
  has(instance: string, state: string): boolean;
  /** A folder for a dump, a restore or a transfer at work; made if missing. What a crash left in it is found again. */
  work(instance: string, verb: 'dump' | 'restore' | 'receive'): Promise<string>;
  /** Gives images that are complete their place. On disk when it returns. */
  publish(images: string, instance: string, state: string): Promise<void>;
  /** Makes `to` what `from` is, at no cost of space; both can be removed and used by themselves. */
  copy(instance: string, from: string, to: string): Promise<void>;
  /** Of an instance, all that are complete. */
  list(instance: string): Promise<readonly string[]>;
  /** Succeeds if there is none. */
  remove(instance: string, state: string): Promise<void>;
  /** What is neither a state nor at work any more. */
  clear(instance: string): Promise<void>;
  /** All of an instance. */
  removeAll(instance: string): Promise<void>;
  instances(): Promise<readonly string[]>;
}

/** @param root exists, and may be passed through by the guests' roots: CRIU opens images as them, too */
export function stateFolders(root: string): StateFolders {
  const home = (instance: string) => join(root, instance);
  const path = (instance: string, state: string) => join(home(instance), state);
  const rubbish = (instance: string) => path(instance, `.gone-${randomBytes(4).toString('hex')}`);

  const remove = async (instance: string, state: string): Promise<void> => {
    const gone = rubbish(instance);
    const was = await rename(path(instance, state), gone).then(
      () => true,
      () => false,
    );
    if (was) await rm(gone, { recursive: true, force: true });
  };

  const publish = async (images: string, instance: string, state: string): Promise<void> => {
    await mkdir(home(instance), { recursive: true, mode: PASS_THROUGH });
    await remove(instance, state);
    await rename(images, path(instance, state));
    await syncFolder(home(instance));
  };

  return {
    path,
    publish,
    remove,
    has: (instance, state) => existsSync(path(instance, state)),
    async list(instance) {
      const names = await readdir(home(instance)).catch(() => []);
      return names.filter(name => !name.startsWith('.')).sort();
    },
    async work(instance, verb) {
      const folder = path(instance, `.${verb}`);
      await mkdir(folder, { recursive: true, mode: PASS_THROUGH });
      return folder;
    },
    async copy(instance, from, to) {
      const scratch = rubbish(instance);
      await mkdir(scratch, { mode: PASS_THROUGH });
      const source = path(instance, from);
      for (const name of imagesAt(source)) await link(join(source, name), join(scratch, name));
      await publish(scratch, instance, to);
    },
    async clear(instance) {
      const names = await readdir(home(instance)).catch(() => []);
      for (const name of names.filter(each => each.startsWith('.')))
        await rm(path(instance, name), { recursive: true, force: true });
    },
    removeAll: instance => rm(home(instance), { recursive: true, force: true }),
    instances: () => readdir(root),
  };
}

/** Names of the images in a folder, CRIU's logs left out: those are written anew with every use. */
const imagesAt = (folder: string): readonly string[] => readdirSync(folder).filter(name => !name.endsWith('.log'));

export const bytesAt = (folder: string): number =>
  imagesAt(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

/**
 * A dump's images as a restore needs them: CRIU opens some as the host's root without its capabilities, and some as the
 * guest's root. Nobody else may read them: they are the memory of the guest.
 * @param group host id of the guest's root
 */
export function openToRestore(folder: string, group: number): void {
  chmodSync(folder, PASS_THROUGH);
  for (const name of readdirSync(folder)) {
    chownSync(join(folder, name), 0, group);
    chmodSync(join(folder, name), 0o640);
  }
}

/** Returns when the images are on disk: before that, what they were made of must not be ended. */
export async function settle(folder: string): Promise<void> {
  for (const name of imagesAt(folder)) {
    const file = await open(join(folder, name));
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(folder);
}
