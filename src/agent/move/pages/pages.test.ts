import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { rangesIn } from './lazy-ranges.ts';
import { pageCache } from './page-cache.ts';
import { PAGE_BYTES, pageProtocol } from './page-request.ts';
import type { Pages } from './page-stream.ts';

const START = 0x7f00_0000_0000;

const asked = { wide: Buffer.alloc(32), narrow: Buffer.alloc(24) };
asked.wide.writeUInt32LE(7, 0);
asked.wide.writeBigUInt64LE(3n, 8);
asked.wide.writeBigUInt64LE(BigInt(START), 16);
asked.wide.writeBigUInt64LE(17n, 24);
asked.narrow.writeUInt32LE(7, 0);
asked.narrow.writeUInt32LE(3, 4);
asked.narrow.writeBigUInt64LE(BigInt(START), 8);
asked.narrow.writeBigUInt64LE(17n, 16);

for (const form of ['wide', 'narrow'] as const) {
  test(`requests of CRIU in their ${form} form, in whatever pieces they come; the answer has the same form`, () => {
    const range = { pid: 17, address: START, pages: 3 };
    const twice = Buffer.concat([asked[form], asked[form]]);
    for (let cut = 1; cut < twice.length; cut += 1) {
      const protocol = pageProtocol();
      const requests = [...protocol.take(twice.subarray(0, cut)), ...protocol.take(twice.subarray(cut))];
      assert.deepEqual(requests, [
        { kind: 'get', range },
        { kind: 'get', range },
      ]);
      const header = protocol.header(range);
      assert.equal(header.length, asked[form].length);
      assert.equal(header.readUInt32LE(0), 6 | (4 << 16));
      assert.deepEqual(header.subarray(4), asked[form].subarray(4));
    }
  });
}

test('a goodbye is no request, and what is not the protocol is refused', () => {
  const goodbye = Buffer.alloc(32);
  goodbye.writeUInt32LE(0x1023, 0);
  assert.deepEqual(pageProtocol().take(goodbye), [{ kind: 'close' }]);
  const other = Buffer.from(asked.wide);
  other.writeUInt32LE(3, 0);
  assert.throws(() => pageProtocol().take(other), /asked to do 3/);
});

test('what a dump left in memory is read from its pagemap: lazy pages only', () => {
  const entry = (address: number, pages: number, flags: number) => {
    const writer = new BinaryWriter().tag(1, WireType.Varint).uint64(address).tag(2, WireType.Varint).uint32(pages);
    return Buffer.from(writer.tag(4, WireType.Varint).uint32(flags).tag(5, WireType.Varint).uint64(pages).finish());
  };
  const head = Buffer.from(new BinaryWriter().tag(1, WireType.Varint).uint32(1).finish());
  const messages = [head, entry(START, 5, 0b110), entry(START + 0x10000, 1, 0b100), entry(START + 0x20000, 300, 0b110)];
  const sized = messages.flatMap(message => [Buffer.from(Uint32Array.of(message.length).buffer), message]);
  const image = Buffer.concat([Buffer.from(Uint32Array.of(0x54564319, 0x56084025).buffer), ...sized]);
  assert.deepEqual(rangesIn(image, 4), [
    { pid: 4, address: START, pages: 5 },
    { pid: 4, address: START + 0x20000, pages: 300 },
  ]);
});

const piece = (pid: number, page: number, pages: number): Pages => ({
  pid,
  pages,
  address: START + page * PAGE_BYTES,
  data: Buffer.alloc(pages * PAGE_BYTES, page),
});

test('pushed pages are found, as far as they lie together, and forgotten when nobody can ask for them again', async () => {
  const cache = pageCache(1 << 30);
  for (const each of [piece(1, 0, 4), piece(1, 4, 4), piece(1, 20, 1), piece(2, 0, 4)]) await cache.add(each);
  const take = (pid: number, page: number, pages: number) =>
    cache.take({ pid, address: START + page * PAGE_BYTES, pages })?.pages;
  assert.equal(take(1, 5, 1), 1);
  assert.equal(take(1, 5, 1), 1, 'a single page may be asked for again');
  assert.equal(take(1, 2, 8), 2, 'up to the end of its piece');
  assert.equal(take(1, 0, 1), undefined, 'what lies before is gone');
  assert.equal(take(1, 4, 4), 4);
  assert.equal(take(1, 9, 2), undefined);
  assert.equal(take(1, 20, 1), 1);
  assert.equal(take(2, 0, 9), 4);
  assert.equal(take(3, 0, 1), undefined);
});

test('a full cache holds the push up until the daemon has caught up', async () => {
  const cache = pageCache(4 * PAGE_BYTES);
  await cache.add(piece(1, 0, 2));
  let added = false;
  const adding = cache.add(piece(1, 2, 2)).then(() => {
    added = true;
  });
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(added, false);
  cache.take({ pid: 1, address: START, pages: 2 });
  await adding;
});
