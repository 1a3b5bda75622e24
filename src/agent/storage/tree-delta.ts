/** What has to be shipped so that a copy becomes like the tree is now. Pure. */
import type { Entry, Tree } from './tree-walk.ts';

export interface Delta {
  /** To be deleted from the copy first, with all below. */
  readonly removals: readonly string[];
  /** To be put over the copy, folders before what is in them. */
  readonly changes: readonly string[];
}

/**
 * @param shipped what the copy holds, as it was when it was shipped
 * @param doubtfulFrom seconds since the epoch; what was changed at that time or later may have been changed once more
 * within the same tick of the clock, or while it was read
 */
export function deltaOf(now: Tree, shipped: Tree, doubtfulFrom: number): Delta {
  const removals = new Set<string>();
  for (const [path, was] of shipped) {
    if (now.get(path)?.type !== was.type && !isBelow(path, removals)) removals.add(path);
  }

  const changed = new Set<string>();
  const relinked = new Set<string>();
  for (const [path, entry] of now) {
    if (entry.type === 's' || isSame(entry, shipped.get(path), doubtfulFrom)) continue;
    changed.add(path);
    if (entry.links > 1 && entry.type !== 'd') relinked.add(entry.key);
  }
  for (const [path, entry] of now) {
    // A link is shipped as "the same as that other path", so all paths of the file have to travel together.
    if (relinked.has(entry.key)) changed.add(path);
    // A changed file is put in the place of the old one, which changes the time of its folder in the copy.
    if (changed.has(path) && entry.type !== 'd') changed.add(parentOf(path));
  }
  return { removals: [...removals], changes: [...now.keys()].filter(path => changed.has(path)) };
}

function isSame(entry: Entry, was: Entry | undefined, doubtfulFrom: number): boolean {
  return (
    was !== undefined &&
    was.type === entry.type &&
    was.key === entry.key &&
    was.changedAt === entry.changedAt &&
    Number(was.changedAt) < doubtfulFrom
  );
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '.';

function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    if (folders.has(path.slice(0, at))) return true;
  }
  return false;
}
