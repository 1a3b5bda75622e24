/**
 * The other end of `tree-sender.ts`: deletes what went, and extracts what came, inside the instance's id mapping.
 * Nothing else uses the tree meanwhile, so what was checked of a path still holds when the path is used.
 */
import { chmod, chown, realpath, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Body } from '../../rpc/data/channel.ts';
import { run } from '../command.ts';
import { feed } from './child-stream.ts';
import { saysOnlyChanged } from './complaints.ts';
import { type IdMap, rootIdOf, within } from './id-map.ts';
import { type Incoming, openIncoming } from './incoming.ts';
import type { Layout } from './layout.ts';
import type { TransferOrder, VolumeReceiver } from './transfer.ts';
import type { TreeOps } from './tree-ops.ts';
import { KEEP_ALL } from './tree-sender.ts';

export function openTreeReceiver(layout: Layout, trees: TreeOps, order: TransferOrder): Promise<VolumeReceiver> {
  return openIncoming(layout, trees, order, folder => treeAt(join(folder, 'tree'), trees, order.idMap));
}

function treeAt(tree: string, trees: TreeOps, idMap: IdMap | undefined): Incoming {
  return {
    async take({ step, base }, body) {
      if (base === -1) {
        await trees.remove(tree);
        await trees.make(tree);
        await chown(tree, rootIdOf(idMap), rootIdOf(idMap));
        await chmod(tree, 0o755);
      }
      return step === 'remove' ? removeAll(tree, idMap, body) : extract(tree, idMap, body);
    },
    place: (_round, place) => rename(tree, place),
    takeBack: place => rename(place, tree),
    copy: (_round, place) => trees.copy(tree, place),
    clear: () => trees.remove(tree),
  };
}

async function extract(tree: string, idMap: IdMap | undefined, body: Body): Promise<string | undefined> {
  const pieces = body[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done) return undefined; // nothing changed
  const rest = { [Symbol.asyncIterator]: () => pieces };
  const tar = within(idMap, ['tar', ['-x', '-p', '--same-owner', '--delay-directory-restore', ...KEEP_ALL]]);
  let misfit: string | undefined;
  const accepts = (code: number, stderr: string) => {
    if (code !== 0 && saysOnlyChanged(stderr)) misfit = stderr.trim().split('\n')[0];
    return code === 0 || misfit !== undefined;
  };
  await feed(tar, prepend(first.value, rest), { cwd: tree, accepts });
  return misfit;
}

async function* prepend(first: Buffer, rest: Body): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** Names are bytes, not text; they go to `rm` as they came. */
async function removeAll(tree: string, idMap: IdMap | undefined, body: Body): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const paths = Buffer.concat(chunks)
    .toString('latin1')
    .split('\0')
    .filter(path => path !== '');
  const parents = new Map<string, 'folder' | 'gone' | 'elsewhere'>();
  for (const path of paths) {
    const parent = dirname(path);
    if (!parents.has(parent)) parents.set(parent, await look(tree, parent));
    if (parents.get(parent) === 'elsewhere') return `${parent} became a link`;
  }
  const doomed = paths.filter(path => parents.get(dirname(path)) === 'folder');
  const input = Buffer.from(doomed.map(path => `./${path}\0`).join(''), 'latin1');
  const [file, args] = within(idMap, ['xargs', ['-0', '-r', 'rm', '-rf', '--']]);
  await run(file, args, { cwd: tree, input });
  return undefined;
}

/** Behind a link, something else would be deleted than was meant. */
async function look(tree: string, folder: string): Promise<'folder' | 'gone' | 'elsewhere'> {
  const below = folder === '.' ? [] : [Buffer.from('/'), Buffer.from(folder, 'latin1')];
  const path = Buffer.concat([Buffer.from(tree), ...below]);
  const real = await realpath(path, { encoding: 'buffer' }).catch(() => undefined);
  if (real === undefined) return 'gone';
  return real.equals(path) ? 'folder' : 'elsewhere';
}
