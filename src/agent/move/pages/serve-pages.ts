/**
 * The source's end of a post-copy: as long as its frozen processes are held, serves their pages to the target. One stream
 * answers what is asked for at once, another pushes everything there is at full speed, so that the time in which the
 * source is needed is short.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { z } from 'zod';
import { fail } from '../../../domain/errors.ts';
import type { Channel } from '../../../rpc/data/channel.ts';
import { lazyRanges, pagesIn } from './lazy-ranges.ts';
import { PAGE_BYTES, type PageRange } from './page-request.ts';
import { pageStream } from './page-stream.ts';
import { openTaskMemory } from './task-memory.ts';

/** The first message of a stream. `skipPages`: so many of all were pushed before, to be gone on with after a cut. */
const hello = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('answer') }),
  z.object({ ask: z.literal('push'), skipPages: z.int().min(0) }),
]);
/** What `hello` is answered with. */
export const welcome = z.object({ pages: z.int().min(0), next: z.string() });

/** Pushed in pieces of so many pages (1 MiB): large enough to be fast, small enough that a request waits 2 ms at most. */
const PIECE_PAGES = 256;

export interface PageSource {
  /** CRIU's images of the dump that is held. */
  readonly images: string;
  /** Processes of the instance. */
  readonly members: readonly number[];
  /** A token for one more stream. */
  issue(): string;
}

/** Serves one stream to its end. */
export async function servePages(channel: Channel, source: PageSource): Promise<void> {
  const question = (await channel.receive()) ?? fail('unavailable', 'the target hung up');
  for await (const _ of question.body); // so that nothing is left before plain bytes
  const asked = hello.parse(question.message);
  const ranges = lazyRanges(source.images);
  await channel.reply({ pages: pagesIn(ranges), next: source.issue() });
  const memory = openTaskMemory(source.members);
  const stream = channel.detach();
  try {
    const pages = pageStream(stream);
    if (asked.ask === 'answer') {
      for (let range = await pages.nextRange(); range; range = await pages.nextRange()) {
        await pages.sendPages({ ...range, data: memory.read(range) });
      }
      return;
    }
    for (const range of piecesOf(ranges, asked.skipPages)) {
      await pages.sendPages({ ...range, data: memory.read(range) });
      await breathe(); // let requests in between
    }
    await pages.sendEnd();
    await pages.nextRange(); // the target hangs up
  } finally {
    memory.close();
    stream.destroy();
  }
}

function* piecesOf(ranges: readonly PageRange[], skipPages: number): Generator<PageRange> {
  let skip = skipPages;
  for (const { pid, address, pages } of ranges) {
    const skipped = Math.min(skip, pages);
    skip -= skipped;
    for (let done = skipped; done < pages; done += PIECE_PAGES) {
      yield { pid, address: address + done * PAGE_BYTES, pages: Math.min(PIECE_PAGES, pages - done) };
    }
  }
}
