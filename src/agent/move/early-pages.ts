/**
 * Memory on its way while CRIU is still writing it: the files of pages only grow, so that what is in them can be sent. The
 * pause then holds the longer of writing and sending, not both.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Channel } from '../../rpc/data/channel.ts';
import type { ImageList } from './images.ts';
import { readImages } from './images.ts';

/** Less is not worth a question; it goes with the rest. */
const PART_BYTES = 512 * 1024;
/** A page file grows by a gigabyte a second: this is a few parts. */
const LOOK_AGAIN_MS = 2;

/**
 * @param round of a pre-copy @returns how far each file was sent; when `over` says so, the rest is not looked at any more
 */
export async function sendEarlyPages(
  channel: Channel,
  folder: string,
  over: () => boolean,
  round?: number,
): Promise<ReadonlyMap<string, number>> {
  const sent = new Map<string, number>();
  while (!over()) {
    const grown = pageFiles(folder).find(({ name, bytes }) => bytes - (sent.get(name) ?? 0) >= PART_BYTES);
    if (grown === undefined) {
      await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS));
      continue;
    }
    const { name, bytes } = grown;
    const at = sent.get(name) ?? 0;
    await channel.ask(
      { ask: 'part', round, part: { name, at, bytes: bytes - at } },
      readImages(folder, [{ name, bytes, have: at }]),
    );
    sent.set(name, bytes);
  }
  return sent;
}

export const withHeld = (images: ImageList, sent: ReadonlyMap<string, number>): ImageList =>
  images.map(image => ({ ...image, have: sent.get(image.name) ?? 0 }));

function pageFiles(folder: string): readonly { readonly name: string; readonly bytes: number }[] {
  const names = readdirSync(folder).filter(name => /^pages-\d+\.img$/.test(name));
  return names.map(name => ({ name, bytes: statSync(join(folder, name)).size }));
}
