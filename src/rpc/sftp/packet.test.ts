import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../domain/errors.ts';
import { encodeAttributes, readAttributes } from './attributes.ts';
import { KIND, PacketReader, packet, packetsOf, string, u32 } from './packet.ts';

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 });

describe('SFTP packets', () => {
  it('come out as they went in, however the stream is cut', async () => {
    const property = fc.asyncProperty(fc.array(fc.string(), { maxLength: 6 }), sizes, async (texts, cuts) => {
      const bytes = Buffer.concat(texts.map((text, id) => packet(KIND.remove, u32(id), string(text))));
      const packets = await collect(packetsOf(cut(bytes, cuts)));
      const read = packets.map(each => {
        const reader = new PacketReader(each);
        return [reader.byte(), reader.u32(), reader.string().toString(), reader.left];
      });
      assert.deepEqual(
        read,
        texts.map((text, id) => [KIND.remove, id, Buffer.from(text).toString(), 0]),
      );
    });
    await fc.assert(property);
  });

  it('that are none are refused, whatever they are made of', async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), sizes, async (noise, cuts) => {
      try {
        for (const each of await collect(packetsOf(cut(Buffer.from(noise), cuts)))) {
          const reader = new PacketReader(each);
          reader.byte();
          reader.u32();
          reader.string();
          readAttributes(reader);
        }
      } catch (error) {
        assert.ok(error instanceof AppError && ['invalid', 'unavailable'].includes(error.code), String(error));
      }
    });
    await fc.assert(property, { numRuns: 2000 });
  });

  it('of a huge length are refused at once, and so are cut ones', async () => {
    await assert.rejects(collect(packetsOf(cut(u32(0xffff_ffff), []))), { code: 'invalid' });
    await assert.rejects(collect(packetsOf(cut(packet(KIND.init, u32(3)).subarray(0, 7), []))), {
      code: 'unavailable',
    });
  });

  it('tell attributes that are known, and no others', () => {
    const full = { size: 2n ** 40n, uid: 1, gid: 2, mode: 0o100644, atime: 3, mtime: 4 };
    for (const each of [full, {}, { mode: 0o755 }, { uid: 5, gid: 6 }])
      assert.deepEqual(readAttributes(new PacketReader(encodeAttributes(each))), each);
  });
});
