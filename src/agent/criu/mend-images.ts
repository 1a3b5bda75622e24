/** Rewrites in a folder of images what CRIU would restore wrongly. Synchronous: the instance stands still. Repeatable. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mendMounts } from './mend-mounts.ts';
import { mendTimers } from './mend-timers.ts';

const FILES = 'files.img';

export function mendImages(folder: string): void {
  const mounts = readdirSync(folder).filter(name => /^mountpoints-\d+\.img$/.test(name));
  mend(folder, mounts, mendMounts);
  if (existsSync(join(folder, FILES))) mend(folder, [FILES], ([image]) => [mendTimers(image!)]);
}

function mend(
  folder: string,
  names: readonly string[],
  mended: (images: readonly Buffer[]) => readonly Buffer[],
): void {
  const before = names.map(name => readFileSync(join(folder, name)));
  for (const [index, image] of mended(before).entries()) {
    if (image !== before[index]) writeFileSync(join(folder, names[index]!), image);
  }
}
