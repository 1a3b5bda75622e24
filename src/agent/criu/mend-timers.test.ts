import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { entriesOf } from './image-entries.ts';
import { mendTimers } from './mend-timers.ts';

interface Times {
  readonly value: readonly [seconds: number, nanoseconds: number];
  readonly interval: readonly [seconds: number, nanoseconds: number];
}

/** As CRIU writes it: a pipe, and a timerfd with what stands around its times. */
function imageOf({ value, interval }: Times): Buffer {
  const pipe = new BinaryWriter().tag(1, WireType.Varint).uint32(2).tag(2, WireType.Varint).uint32(4);
  pipe.tag(18, WireType.LengthDelimited).bytes(Buffer.from('pipe'));
  const timer = new BinaryWriter().tag(1, WireType.Varint).uint32(5).tag(5, WireType.Varint).uint64(1);
  for (const [index, number] of [...value, ...interval].entries()) timer.tag(7 + index, WireType.Varint).uint64(number);
  const file = new BinaryWriter().tag(1, WireType.Varint).uint32(17).tag(2, WireType.Varint).uint32(5);
  file.tag(12, WireType.LengthDelimited).bytes(timer.finish());
  const entries = [pipe, file].map(writer => Buffer.from(writer.finish()));
  const size = (entry: Buffer) => Buffer.from(Uint32Array.of(entry.length).buffer);
  return Buffer.concat([Buffer.from('01234567'), ...entries.flatMap(entry => [size(entry), entry])]);
}

/** Varints of the timer by field, the last of each. */
function timerOf(image: Buffer): ReadonlyMap<number, number> {
  const fieldsOf = (bytes: Uint8Array) => {
    const [fields, reader] = [new Map<number, number>(), new BinaryReader(bytes)];
    let inner: Uint8Array | undefined;
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (type === WireType.Varint) fields.set(field, Number(reader.uint64()));
      else if (field === 12) inner = reader.bytes();
      else reader.skip(type, field);
    }
    return { fields, inner };
  };
  return fieldsOf(fieldsOf(entriesOf(image)[1]!).inner!).fields;
}

test('a timer that has ticked unread ticks again one interval later, and keeps its ticks', () => {
  const before = imageOf({ value: [0, 0], interval: [1, 20_000_000] });
  const after = mendTimers(before);
  const fields = timerOf(after);
  assert.deepEqual(
    [7, 8, 9, 10].map(field => fields.get(field)),
    [1, 20_000_000, 1, 20_000_000],
  );
  assert.deepEqual([fields.get(1), fields.get(5)], [5, 1]);
  assert.deepEqual(entriesOf(after)[0], entriesOf(before)[0]);
  assert.equal(mendTimers(after), after, 'a second time changes nothing');
});

for (const [what, times] of [
  ['one that will tick', { value: [0, 5], interval: [1, 0] }],
  ['one that ticked once and for all', { value: [0, 0], interval: [0, 0] }],
] as const) {
  test(`${what} is left as it is`, () => {
    const before = imageOf(times);
    assert.equal(mendTimers(before), before);
  });
}
