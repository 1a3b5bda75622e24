/**
 * Works round a limit of CRIU (4.2 and before): a timerfd that ticks again and again, and has ticked while nobody read it
 * (most have, in a pause), says that no time is left until its next tick. CRIU takes that for "switched off", and it would
 * never tick again. In the images its next tick is one interval away. Pure.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { withEntries } from './image-entries.ts';

/** Of a message `file_entry`. */
const TIMERFD = 12;
/** Of a message `timerfd_entry`: until the next tick, and between two, in seconds and nanoseconds. */
const FIELDS = { valueS: 7, valueNs: 8, intervalS: 9, intervalNs: 10 } as const;

/** @param files the image of open files @returns the same one if there is nothing to mend */
export function mendTimers(files: Buffer): Buffer {
  return withEntries(files, entry => {
    const reader = new BinaryReader(entry);
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [field, type] = reader.tag();
      if (field !== TIMERFD || type !== WireType.LengthDelimited) {
        reader.skip(type, field);
        continue;
      }
      const timer = reader.bytes();
      const { valueS, valueNs, intervalS, intervalNs } = timesOf(timer);
      if (valueS !== 0n || valueNs !== 0n || (intervalS === 0n && intervalNs === 0n)) return entry;
      const next = new BinaryWriter().tag(FIELDS.valueS, WireType.Varint).uint64(intervalS);
      next.tag(FIELDS.valueNs, WireType.Varint).uint64(intervalNs);
      const mended = Buffer.concat([timer, next.finish()]); // of a field that is there twice the last counts
      const whole = new BinaryWriter().tag(TIMERFD, WireType.LengthDelimited).bytes(mended).finish();
      return Buffer.concat([entry.subarray(0, start), whole, entry.subarray(reader.pos)]);
    }
    return entry;
  });
}

function timesOf(timer: Uint8Array): Record<keyof typeof FIELDS, bigint> {
  const times = { valueS: 0n, valueNs: 0n, intervalS: 0n, intervalNs: 0n };
  const reader = new BinaryReader(timer);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const name = (Object.keys(FIELDS) as (keyof typeof FIELDS)[]).find(each => FIELDS[each] === field);
    if (name === undefined) reader.skip(type, field);
    else times[name] = BigInt(reader.uint64());
  }
  return times;
}
