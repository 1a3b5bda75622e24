/**
 * Which pages a dump left in the frozen processes: read from CRIU's pagemap images, one for each process. The images are
 * a magic number or two, then protobuf messages, each after its length.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PageRange } from './page-request.ts';

/** "Still to be fetched". */
const LAZY = 1 << 1;
const COMMON_MAGIC = 0x54564319;

/** Of all processes in order of pid, each in order of address: as the daemon on the target asks for them. */
export function lazyRanges(images: string): readonly PageRange[] {
  const pids = readdirSync(images).flatMap(name => /^pagemap-(\d+)\.img$/.exec(name)?.[1] ?? []);
  return pids
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap(pid => rangesIn(readFileSync(join(images, `pagemap-${pid}.img`)), pid));
}

export const pagesIn = (ranges: readonly PageRange[]): number => ranges.reduce((sum, { pages }) => sum + pages, 0);

/** @param image content of `pagemap-PID.img` */
export function rangesIn(image: Buffer, pid: number): readonly PageRange[] {
  const ranges: PageRange[] = [];
  const start = image.readUInt32LE(0) === COMMON_MAGIC ? 8 : 4;
  let isHead = true;
  for (let at = start; at < image.length; ) {
    const bytes = image.readUInt32LE(at);
    const fields = fieldsOf(image.subarray(at + 4, at + 4 + bytes));
    at += 4 + bytes;
    if (!isHead && (Number(fields.get(4) ?? 0n) & LAZY) !== 0) {
      const pages = Number(fields.get(5) ?? fields.get(2) ?? 0n);
      ranges.push({ pid, address: Number(fields.get(1) ?? 0n), pages });
    }
    isHead = false;
  }
  return ranges;
}

/** Field number -> value; these messages have numbers only. */
function fieldsOf(message: Buffer): ReadonlyMap<number, bigint> {
  const fields = new Map<number, bigint>();
  let at = 0;
  const number = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(number());
    fields.set(tag >> 3, number());
  }
  return fields;
}
