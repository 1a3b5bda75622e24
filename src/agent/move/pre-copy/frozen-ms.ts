/** For how long CRIU held the processes, from the statistics that it leaves with a dump's images. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** Two magic numbers and a length, then a message whose first field is that of the dump. */
const HEAD_BYTES = 12;
const DUMP = 1;
/** Both in microseconds: until all stood still, and from then on. */
const FREEZING = 1;
const FROZEN = 2;

/** 0 where there are no statistics. @param images folder of a finished dump */
export function frozenMs(images: string): number {
  try {
    return statsIn(readFileSync(join(images, 'stats-dump')));
  } catch {
    return 0; // nothing depends on it
  }
}

/** @param file content of `stats-dump` */
export function statsIn(file: Buffer): number {
  const dump = fieldOf(file.subarray(HEAD_BYTES), DUMP, reader => reader.bytes()) ?? new Uint8Array();
  const time = (field: number) => fieldOf(dump, field, reader => reader.uint32()) ?? 0;
  return (time(FREEZING) + time(FROZEN)) / 1000;
}

function fieldOf<T>(message: Uint8Array, wanted: number, read: (reader: BinaryReader) => T): T | undefined {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted) return read(reader);
    reader.skip(type);
  }
  return undefined;
}
