/**
 * Pages between hosts: ranges as headers of 16 bytes, followed by the pages where they are sent. A header of no pages says
 * that nothing more comes.
 */
import type { Duplex } from 'node:stream';
import { ByteReader } from '../../../rpc/data/byte-reader.ts';
import { ByteWriter } from '../../../rpc/data/byte-writer.ts';
import { PAGE_BYTES, type PageRange } from './page-request.ts';

const HEADER_BYTES = 16;

export interface Pages extends PageRange {
  readonly data: Buffer;
}

export interface PageStream {
  /** Undefined: the other end is gone, or said that nothing more comes. */
  nextRange(): Promise<PageRange | undefined>;
  nextPages(): Promise<Pages | undefined>;
  sendRange(range: PageRange): Promise<void>;
  sendPages(pages: Pages): Promise<void>;
  sendEnd(): Promise<void>;
}

export function pageStream(stream: Duplex): PageStream {
  const reader = new ByteReader(stream);
  const writer = new ByteWriter(stream);

  async function nextRange(): Promise<PageRange | undefined> {
    const header = await reader.exactly(HEADER_BYTES);
    if (header === undefined) return undefined;
    const range = {
      pid: header.readUInt32LE(0),
      pages: header.readUInt32LE(4),
      address: Number(header.readBigUInt64LE(8)),
    };
    return range.pages === 0 ? undefined : range;
  }

  return {
    nextRange,
    async nextPages() {
      const range = await nextRange();
      const data = range && (await reader.exactly(range.pages * PAGE_BYTES));
      return range && data && { ...range, data };
    },
    sendRange: range => writer.write(headerOf(range)),
    sendPages: ({ data, ...range }) => writer.write(headerOf(range), data),
    sendEnd: () => writer.write(headerOf({ pid: 0, pages: 0, address: 0 })),
  };
}

function headerOf({ pid, pages, address }: PageRange): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(pid, 0);
  header.writeUInt32LE(pages, 4);
  header.writeBigUInt64LE(BigInt(address), 8);
  return header;
}
