/**
 * An instance as a tar in LXD's backup format: `backup/index.yaml` first, then `backup/container/` and `backup/snapshots/NAME/`,
 * each with its `rootfs/`. Roots are read inside the instance's id mapping, so that owners are those that the instance sees.
 */

import { output } from '../storage/child-stream.ts';
import { type IdMap, within } from '../storage/id-map.ts';
import { createTarParser } from '../storage/tar-parser.ts';
import { KEEP_ALL } from '../storage/tree-sender.ts';

export interface BackupRoot {
  /** Folder in the archive: `backup/container/rootfs`. */
  readonly folder: string;
  /** Where the tree is. */
  readonly path: string;
}

/** @param texts by path in the archive; in their order */
export async function* backupTar(
  texts: Readonly<Record<string, string>>,
  roots: readonly BackupRoot[],
  idMap: IdMap | undefined,
): AsyncGenerator<Buffer> {
  const folders = new Set<string>();
  for (const [path, text] of Object.entries(texts)) {
    yield* parents(path, folders);
    yield textEntry(path, text);
  }
  for (const { folder, path } of roots) {
    yield* parents(folder, folders);
    const rename = `--transform=s,^\\.,${folder.replace(/[\\,&]/g, '\\$&')},S`; // but not what links point to
    const tar = within(idMap, ['tar', ['-c', '--format=posix', ...KEEP_ALL, rename, '.']]);
    yield* withoutEnd(output(tar, { cwd: path }));
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

const BLOCK_BYTES = 512;

/** Archives one after the other are one archive, when only the last of them has an end mark. */
async function* withoutEnd(tar: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const parser = createTarParser(() => undefined);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of tar) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = all.subarray(0, all.length - (all.length % BLOCK_BYTES));
    rest = all.subarray(whole.length);
    const used = parser.push(whole);
    if (used > 0) yield whole.subarray(0, used);
  }
  parser.end();
}

function* parents(path: string, known: Set<string>): Generator<Buffer> {
  const parts = path.split('/').slice(0, -1);
  for (let n = 1; n <= parts.length; n += 1) {
    const folder = `${parts.slice(0, n).join('/')}/`;
    if (known.has(folder)) continue;
    known.add(folder);
    yield header(folder, '5', 0o755, 0);
  }
}

function textEntry(path: string, text: string): Buffer {
  const content = Buffer.from(text);
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([header(path, '0', 0o600, content.length), content, padding]);
}

/** Of ustar; names here are short (an instance's or snapshot's name has at most 63 characters). */
function header(path: string, type: string, mode: number, sizeBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  const name = Buffer.from(path);
  if (name.length > 100) throw new RangeError(`"${path}" is too long for an archive`);
  name.copy(block);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(0, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  block[155] = 0x20;
  return block;
}
