/**
 * What an archive may hold. The list is checked before anything is unpacked; unpacking has its own walls (it runs
 * inside the id mapping of an unprivileged instance). Pure.
 *
 * Device nodes: an instance gets its /dev from LXC, so those below /dev are left out; anywhere else they are refused.
 * Links may point anywhere, as they do in every root file system, but nothing may lie below one, and a hard link must
 * stay inside.
 */
import { fail } from '../../domain/errors.ts';
import type { TarEntry } from '../storage/tar-parser.ts';

export interface EntryPolicy {
  /** The entry's clean path from the root of the archive ('' for the root itself), or a throw of `invalid`. */
  admit(entry: Pick<TarEntry, 'path' | 'type' | 'target'>): string;
  /** Entries that unpacking leaves out: what is below /dev. */
  readonly skipped: number;
}

/** @param rootFolder where the root file system is in the archive: '' or 'rootfs' */
export function createEntryPolicy(rootFolder: string, maxEntries: number): EntryPolicy {
  const links = new Set<string>();
  const devices = rootFolder === '' ? 'dev/' : `${rootFolder}/dev/`;
  let entries = 0;
  let skipped = 0;

  /** Throws if an ancestor of the path is a link: what is written below would land elsewhere. */
  const notBelowLink = (path: string, shown: string): void => {
    if (links.size === 0) return;
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (links.has(path.slice(0, at))) refuse(shown, `lies below the link "${path.slice(0, at)}"`);
    }
  };

  return {
    admit({ path: shown, type, target }) {
      entries += 1;
      if (entries > maxEntries)
        fail('invalid', `The image has more than ${maxEntries} files: this is more than an image may hold`);
      const path = cleanPath(shown, shown);
      notBelowLink(path, shown);
      if (links.has(path) && type !== 'symlink') refuse(shown, 'appears twice, once as a link');
      if (path.startsWith(devices)) skipped += 1;
      else if (type === 'device') refuse(shown, 'is a device node outside of /dev');
      if (type === 'other') refuse(shown, 'is of a kind that no image needs');
      if (type === 'symlink') links.add(path);
      if (type === 'link') {
        const real = cleanPath(target, shown);
        notBelowLink(real, shown);
        if (isIn(rootFolder, path) && !isIn(rootFolder, real))
          refuse(shown, `is a hard link to "${target}", outside of the root file system`);
      }
      return path;
    },
    get skipped() {
      return skipped;
    },
  };
}

function cleanPath(path: string, shown: string): string {
  if (path.startsWith('/')) refuse(shown, 'has an absolute path');
  if (path.includes('\0') || path.length > 4096) refuse(shown, 'has a path that no file can have');
  const parts = path.split('/').filter(part => part !== '' && part !== '.');
  if (parts.includes('..')) refuse(shown, 'has ".." in its path');
  if (parts.some(part => part.length > 255)) refuse(shown, 'has a name longer than 255 bytes');
  return parts.join('/');
}

const isIn = (folder: string, path: string): boolean =>
  folder === '' || path === folder || path.startsWith(`${folder}/`);

function refuse(path: string, why: string): never {
  return fail('invalid', `The image is refused: "${printable(path)}" ${why}. Build it again without that entry`);
}

function printable(path: string): string {
  const plain = Buffer.from(path.slice(0, 200), 'latin1').toString();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the point is to show none
  return plain.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}
