/** What a freeze teaches about this host's pace: see `pace.ts`. */
import type { LiveMode } from '../../domain/move-mode.ts';
import { bytesOf, type ImageList, processesIn } from './images.ts';
import type { Sample } from './pace.ts';
import { lazyRanges, pagesIn } from './pages/lazy-ranges.ts';
import { PAGE_BYTES } from './pages/page-request.ts';

/** @param folder of the images @param ms that the dump and the sending of its images took */
export function samplesOf(
  mode: LiveMode,
  folder: string,
  images: ImageList,
  ms: { readonly dump: number; readonly send: number },
): readonly Sample[] {
  const processes = processesIn(images);
  const sent = bytesOf(images);
  const kept = pagesIn(lazyRanges(folder)) * PAGE_BYTES;
  const dump: Readonly<Record<LiveMode, readonly Sample[]>> = {
    'stop-and-copy': [{ phase: 'dump', ms: ms.dump, processes, memoryBytes: sent }],
    'post-copy': [{ phase: 'lazy-dump', ms: ms.dump, processes, memoryBytes: kept }],
    'pre-copy': [], // looked at much and wrote little: neither
  };
  return [...dump[mode], { phase: 'send', ms: ms.send, processes, memoryBytes: sent }];
}
