/** Images of Debian that tests, benchmarks and demonstrations share: each is built once, and again when its recipe changes. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildDebianImage, type Order } from './debian.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'var/images');

/** @returns LXD's unified image, built now (about 40 s) unless it was before. Throws as `buildDebianImage` does. */
export async function cachedDebianImage(order: Order, say: (line: string) => void = () => {}): Promise<string> {
  const file = debianImageFile(order);
  if (existsSync(file)) return file;
  say(`building an image of Debian ${order.release ?? ''} from its archive, once: a minute or so`);
  mkdirSync(FOLDER, { recursive: true });
  const part = `${file}.${process.pid}`; // others may be building the same
  try {
    await buildDebianImage(part, order);
    renameSync(part, file);
  } finally {
    rmSync(part, { force: true });
  }
  return file;
}

/** Where it lies, or would lie. */
export function debianImageFile(order: Order): string {
  const recipe = globSync('src/cli/image/debian/{build,recipe}.ts', { cwd: ROOT }).sort();
  const hash = createHash('sha256').update(JSON.stringify(order));
  for (const path of recipe) hash.update(readFileSync(join(ROOT, path)));
  return join(FOLDER, `debian-${hash.digest('hex').slice(0, 16)}.tar.zst`);
}
