/**
 * What `criu lazy-pages` asks of a page server, and how it is answered: one header of the same form both ways. Pure. CRIU 4.2
 * made the number of pages 64 bits wide; which form a daemon speaks shows in its first request.
 */

/** Pages of one process, in the numbers of its own pid namespace. */
export interface PageRange {
  readonly pid: number;
  readonly address: number;
  readonly pages: number;
}

export const PAGE_BYTES = 4096;

/** `narrow`: up to CRIU 4.1. */
type Form = 'narrow' | 'wide';

const HEADER_BYTES = { narrow: 24, wide: 32 } as const satisfies Record<Form, number>;
const GET = 7;
/** Says goodbye; is answered with a status of four zero bytes. */
const CLOSE = [0x1023, 0x1024];
/** Of an answer: "add these", flag "present" above the 16 bits of the command. */
const ADD = 6 | (0b100 << 16);
/** No daemon asks for more at once (4 MiB); an address is always larger. */
const MOST_PAGES = 4096n;

export type Request = { readonly kind: 'get'; readonly range: PageRange } | { readonly kind: 'close' };

export interface PageProtocol {
  /** The requests that are complete; keeps the rest for the next call. @throws Error if this is not the protocol */
  take(chunk: Buffer): readonly Request[];
  /** The header that announces these pages. */
  header(range: PageRange): Buffer;
}

export function pageProtocol(): PageProtocol {
  let form: Form | undefined;
  let rest: Buffer = Buffer.alloc(0);

  return {
    take(chunk) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const requests: Request[] = [];
      for (;;) {
        if (rest.length >= 4 && CLOSE.includes(rest.readUInt32LE(0) & 0xffff)) return [...requests, { kind: 'close' }];
        if (rest.length < HEADER_BYTES[form ?? 'narrow']) return requests;
        form ??= formOf(rest);
        if (rest.length < HEADER_BYTES[form]) return requests;
        requests.push({ kind: 'get', range: rangeIn(rest, form) });
        rest = rest.subarray(HEADER_BYTES[form]);
      }
    },

    header({ pid, address, pages }) {
      const wide = form !== 'narrow';
      const header = Buffer.alloc(HEADER_BYTES[form ?? 'wide']);
      header.writeUInt32LE(ADD, 0);
      if (wide) header.writeBigUInt64LE(BigInt(pages), 8);
      else header.writeUInt32LE(pages, 4);
      header.writeBigUInt64LE(BigInt(address), wide ? 16 : 8);
      header.writeBigUInt64LE(BigInt(pid), wide ? 24 : 16);
      return header;
    },
  };
}

/** Where the narrow form has an address, the wide one has a small number. */
const formOf = (header: Buffer): Form => (header.readBigUInt64LE(8) <= MOST_PAGES ? 'wide' : 'narrow');

function rangeIn(header: Buffer, form: Form): PageRange {
  const command = header.readUInt32LE(0) & 0xffff;
  if (command !== GET) throw new Error(`a page server is asked to do ${command}, which it cannot`);
  const wide = form === 'wide';
  return {
    pages: wide ? Number(header.readBigUInt64LE(8)) : header.readUInt32LE(4),
    address: Number(header.readBigUInt64LE(wide ? 16 : 8)),
    pid: Number(header.readBigUInt64LE(wide ? 24 : 16)),
  };
}
