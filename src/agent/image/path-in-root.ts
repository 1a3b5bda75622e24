/**
 * A path as the instance would see it, found from outside without leaving its root: links are followed as they would
 * be inside, where "/" is the instance's own. Only for roots that nothing is using: what is checked must still hold
 * when the path is used.
 */
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../domain/errors.ts';

/** As in the kernel. */
const LINK_LIMIT = 40;

/** A path below `root`, no part of which is a link. What does not exist is taken as it is. */
export async function pathInRoot(root: string, path: string): Promise<string> {
  const done: string[] = [];
  const todo = path.split('/').reverse();
  for (let links = 0; todo.length > 0; ) {
    const part = todo.pop()!;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop(); // above "/" is "/"
      continue;
    }
    const here = join(root, ...done, part);
    const found = await lstat(here).catch(() => undefined);
    if (!found?.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > LINK_LIMIT) fail('invalid', `"${path}" goes through too many links`);
    const target = await readlink(here);
    if (target.startsWith('/')) done.length = 0;
    todo.push(...target.split('/').reverse());
  }
  return join(root, ...done);
}
