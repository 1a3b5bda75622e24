/**
 * Pages that were pushed to the target and not yet asked for. The daemon asks for what is left of a process in order of
 * address, and for single pages out of turn; so what lies before a larger request is never asked for again.
 */
import { PAGE_BYTES, type PageRange } from './page-request.ts';
import type { Pages } from './page-stream.ts';

export interface PageCache {
  /** Resolves when there is room for more. */
  add(pages: Pages): Promise<void>;
  /** From the beginning of the range as many as lie together here, at least one; undefined: its first page is not here. */
  take(range: PageRange): Pages | undefined;
}

export function pageCache(limitBytes: number): PageCache {
  const processes = new Map<number, Pages[]>();
  let bytes = 0;
  let onRoom: () => void = () => {};

  const drop = (pieces: readonly Pages[]): void => {
    for (const { data } of pieces) bytes -= data.length;
    if (bytes < limitBytes) onRoom();
  };

  return {
    async add(pages) {
      const known = processes.get(pages.pid);
      if (known === undefined) processes.set(pages.pid, [pages]);
      else known.push(pages);
      bytes += pages.data.length;
      if (bytes < limitBytes) return;
      await new Promise<void>(resolve => {
        onRoom = resolve;
      });
    },

    take({ pid, address, pages }) {
      const pieces = processes.get(pid) ?? [];
      const index = pieceWith(pieces, address);
      const piece = pieces[index];
      if (piece === undefined) return undefined;
      const offset = address - piece.address;
      const data = piece.data.subarray(offset, offset + pages * PAGE_BYTES);
      const usedUp = address + data.length === endOf(piece);
      if (pages > 1) drop(pieces.splice(0, usedUp ? index + 1 : index));
      else if (piece.pages === 1) drop(pieces.splice(index, 1));
      return { pid, address, pages: data.length / PAGE_BYTES, data };
    },
  };
}

const endOf = ({ address, data }: Pages): number => address + data.length;

/** Pieces came in order of address. -1: none has it. */
function pieceWith(pieces: readonly Pages[], address: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle]!;
    if (address < piece.address) high = middle - 1;
    else if (address >= endOf(piece)) low = middle + 1;
    else return middle;
  }
  return -1;
}
