/**
 * What is in a tree, by one walk of `find` (36 ms for 8,500 files). The change time of the inode stands for content,
 * owner, mode, ACLs and attributes alike: nobody can change a file without it, nor set it.
 */
import { fail } from '../../domain/errors.ts';
import { output } from './child-stream.ts';
import { saysOnlyChanged } from './complaints.ts';
import { type IdMap, within } from './id-map.ts';

export interface Entry {
  /** As `find` says: f, d, l, p, c, b, s. */
  readonly type: string;
  /** Device and inode: paths with the same key are hard links of one file. */
  readonly key: string;
  readonly links: number;
  /** Seconds since the epoch with all decimals that there are, none at the end zero; '' = not known. */
  readonly changedAt: string;
}

/** By path from the root of the tree, which itself is '.'; folders come before what is in them. Paths are latin1 of their bytes. */
export type Tree = ReadonlyMap<string, Entry>;

/** @param inUse the tree may change meanwhile: what goes while we walk is simply not there */
export async function walk(root: string, idMap: IdMap | undefined, inUse: boolean): Promise<Tree> {
  const chunks: Buffer[] = [];
  const find = within(idMap, ['find', ['.', '-ignore_readdir_race', '-printf', '%y %D:%i %n %C@ %P\\0']]);
  const accepts = (code: number, stderr: string) => code === 0 || (inUse && saysOnlyChanged(stderr));
  for await (const chunk of output(find, { cwd: root, accepts })) chunks.push(chunk);
  return parseWalk(Buffer.concat(chunks).toString('latin1'));
}

export function parseWalk(text: string): Tree {
  const tree = new Map<string, Entry>();
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\0', at);
    const key = text.indexOf(' ', at) + 1;
    const links = text.indexOf(' ', key) + 1;
    const changedAt = text.indexOf(' ', links) + 1;
    const path = text.indexOf(' ', changedAt) + 1;
    if (end === -1 || path === 0) fail('internal', 'find printed half a line');
    tree.set(text.slice(path, end) || '.', {
      type: text.slice(at, key - 1),
      key: text.slice(key, links - 1),
      links: Number(text.slice(links, changedAt - 1)),
      changedAt: plainTime(text.slice(changedAt, path - 1)),
    });
    at = end + 1;
  }
  return tree;
}

/** find pads decimals with zeros, tar leaves them out. */
export const plainTime = (time: string): string => (time.includes('.') ? time.replace(/\.?0+$/, '') : time);
