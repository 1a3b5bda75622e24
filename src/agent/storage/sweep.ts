/** Clears a pool of what a crash left: scratch trees are deleted, an interrupted restore is completed. */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere, type Layout } from './layout.ts';
import type { TreeOps } from './tree-ops.ts';

export async function sweep(layout: Layout, trees: TreeOps): Promise<void> {
  for (const name of await readdir(join(layout.source, 'tmp'))) await trees.remove(join(layout.source, 'tmp', name));
  for (const volume of await layout.homes()) {
    const tree = layout.tree(volume);
    if (!(await isThere(`${tree}.new`))) continue;
    if (await isThere(tree)) await trees.remove(`${tree}.new`);
    else await rename(`${tree}.new`, tree);
  }
}
