import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bytesOf, imageList, listImages, readImages, writeImages, writePart } from './images.ts';

describe('images on their way', () => {
  let folder: string;
  const from = () => join(folder, 'from');
  const to = () => join(folder, 'to');
  const contents: Record<string, Buffer> = {
    'core-1.img': randomBytes(700),
    'empty.img': Buffer.alloc(0),
    'pages-1.img': randomBytes(5 * 1024 * 1024 + 17),
    'stats-dump': randomBytes(40),
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-images-'));
    await writeImages(from(), [], chunks(Buffer.alloc(0), 1), 0);
    for (const [name, bytes] of Object.entries(contents)) await writeFile(join(from(), name), bytes);
    await writeFile(join(from(), 'dump.log'), 'stays behind');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('arrive byte for byte, for the host and the guest alone, whatever was there before', async () => {
    const list = imageList.parse(listImages(from()));
    assert.deepEqual(
      list.map(({ name }) => name),
      Object.keys(contents),
    );
    for (let twice = 0; twice < 2; twice += 1) await writeImages(to(), list, readImages(from(), list), 1_000_000);
    for (const [name, bytes] of Object.entries(contents)) {
      assert.ok(bytes.equals(await readFile(join(to(), name))), name);
      const { uid, gid, mode } = await stat(join(to(), name));
      assert.deepEqual([uid, gid, mode & 0o777], [0, 1_000_000, 0o640]);
    }
  });

  it('arrive in parts while one is being written, and whole in the end', async () => {
    const all = contents['pages-1.img']!;
    const part = (at: number, bytes: number) =>
      writePart(to(), { name: 'pages-1.img', at, bytes }, chunks(all.subarray(at, at + bytes), 50_000), 0);
    await part(0, 1_000_000);
    await part(0, 2_000_000); // begun anew
    await part(2_000_000, 1_500_000);
    await assert.rejects(part(2_000_000, 10), /has 3500000 bytes here, not 2000000/);
    const list = listImages(from()).map(image => ({ ...image, have: image.name === 'pages-1.img' ? 3_500_000 : 0 }));
    await writeImages(to(), list, readImages(from(), list), 0);
    for (const [name, bytes] of Object.entries(contents))
      assert.ok(bytes.equals(await readFile(join(to(), name))), name);
    assert.deepEqual((await readdir(to())).sort(), Object.keys(contents));
  });

  it('are refused when too little or too much comes', async () => {
    const list = listImages(from());
    const all = Buffer.concat(Object.values(contents));
    assert.equal(all.length, bytesOf(list));
    await writeImages(to(), list, chunks(all, 1000), 0);
    await assert.rejects(writeImages(to(), list, chunks(all.subarray(1), 1000), 0), /incomplete/);
    await assert.rejects(writeImages(to(), list, chunks(Buffer.concat([all, Buffer.alloc(1)]), 1000), 0), /more bytes/);
  });

  it('cannot be named so that they leave their folder', () => {
    for (const name of ['../x', 'a/b', '.', '..', '', '/etc/passwd', 'a\0'])
      assert.equal(imageList.safeParse([{ name, bytes: 1 }]).success, false, name);
  });
});

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
