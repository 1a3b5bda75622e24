import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { mendMounts } from './mend-mounts.ts';

interface Mount {
  readonly id: number;
  readonly shared: number;
  readonly master: number;
}

/** As CRIU writes it: the fields that matter, and some around them. */
function imageOf(mounts: readonly Mount[]): Buffer {
  const entries = mounts.map(({ id, shared, master }) => {
    const writer = new BinaryWriter().tag(1, WireType.Varint).uint32(5).tag(2, WireType.Varint).uint32(id);
    writer.tag(6, WireType.LengthDelimited).string('/systemd/propagate/a.service');
    writer.tag(10, WireType.Varint).uint32(shared).tag(11, WireType.Varint).uint32(master);
    return Buffer.from(writer.tag(17, WireType.Varint).uint32(0x30_0000).finish());
  });
  const size = (entry: Buffer) => Buffer.from(Uint32Array.of(entry.length).buffer);
  return Buffer.concat([Buffer.from('01234567'), ...entries.flatMap(entry => [size(entry), entry])]);
}

function mountsOf(image: Buffer): readonly Mount[] {
  const mounts: Mount[] = [];
  for (let at = 8; at < image.length; ) {
    const reader = new BinaryReader(image.subarray(at + 4, at + 4 + image.readUInt32LE(at)));
    const fields = new Map<number, number>();
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (type === WireType.Varint) fields.set(field, reader.uint32());
      else reader.skip(type, field);
    }
    mounts.push({ id: fields.get(2)!, shared: fields.get(10)!, master: fields.get(11)! });
    at += 4 + image.readUInt32LE(at);
  }
  return mounts;
}

const INIT = [
  { id: 870, shared: 359, master: 0 },
  { id: 938, shared: 313, master: 0 },
];
const SERVICE = [
  { id: 1000, shared: 314, master: 313 },
  { id: 1002, shared: 0, master: 313 },
];
const OTHER = [{ id: 560, shared: 0, master: 313 }];

test('slaves of one group that are no peers get a group each, and keep their master', () => {
  const before = [INIT, SERVICE, OTHER].map(imageOf);
  const after = mendMounts(before);
  assert.equal(after[0], before[0]);
  const [peer, slave] = mountsOf(after[1]!);
  const [other] = mountsOf(after[2]!);
  assert.deepEqual(peer, SERVICE[0]);
  assert.deepEqual([slave!.id, slave!.master, other!.id, other!.master], [1002, 313, 560, 313]);
  assert.ok(slave!.shared > 1000 && other!.shared > 1000 && slave!.shared !== other!.shared);
  assert.deepEqual(after[1]!.subarray(0, 8), before[1]!.subarray(0, 8));
  assert.deepEqual(mendMounts(after), after, 'a second time changes nothing');
});

test('a slave of a mount of the host is left to CRIU, which gets that right', () => {
  const before = [imageOf([{ id: 1, shared: 0, master: 7 }]), imageOf(INIT)];
  assert.deepEqual(mendMounts(before), before);
});
