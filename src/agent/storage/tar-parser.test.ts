import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { output } from './child-stream.ts';
import { createTarParser, type TarEntry } from './tar-parser.ts';
import { scratchFolder } from './testing/scratch-pool.ts';

const long = `${'d'.repeat(120)}/${'f'.repeat(150)}`;

async function archive(folder: string, format: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of output(['tar', ['-c', `--format=${format}`, '--sparse', '.']], { cwd: folder }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parse(bytes: Buffer, pieceBytes: number): (TarEntry & { content: string })[] {
  const entries: (TarEntry & { content: string })[] = [];
  const parser = createTarParser(entry => {
    const kept = { ...entry, content: '' };
    entries.push(kept);
    return content => {
      kept.content += content.toString('latin1');
    };
  });
  for (let at = 0; at < bytes.length; at += pieceBytes) parser.push(bytes.subarray(at, at + pieceBytes));
  parser.end();
  return entries;
}

for (const format of ['posix', 'gnu']) {
  test(`reads what GNU tar writes as ${format}, in pieces of any size`, async t => {
    const folder = await scratchFolder(t);
    await mkdir(join(folder, long, '..'), { recursive: true });
    await writeFile(join(folder, long), 'long');
    await writeFile(Buffer.from(`${folder}/\xff odd`, 'latin1'), 'odd');
    await symlink('x'.repeat(200), join(folder, 'link'));
    const bytes = await archive(folder, format);
    const whole = parse(bytes, bytes.length);
    const byPath = new Map(whole.map(entry => [entry.path, entry]));
    assert.equal(byPath.get(`./${long}`)?.content, 'long');
    assert.equal(byPath.get('./\xff odd')?.content, 'odd');
    assert.deepEqual([byPath.get('./link')?.type, byPath.get('./link')?.target], ['symlink', 'x'.repeat(200)]);
    for (const size of [1, 511, 513, 4096]) assert.deepEqual(parse(bytes, size), whole);
  });
}

test('a cut archive, a damaged header and text are refused', async t => {
  const folder = await scratchFolder(t);
  await writeFile(join(folder, 'file'), 'content');
  const bytes = await archive(folder, 'posix');
  const entriesEnd = bytes.length - 9 * 512; // GNU tar pads to 10 KiB; some blocks before that are zero too
  for (const cut of [100, 512, 1024, 1536]) {
    assert.throws(() => parse(bytes.subarray(0, Math.min(cut, entriesEnd)), 512), {
      code: 'invalid',
      message: /truncated/,
    });
  }
  const damaged = Buffer.from(bytes);
  damaged[3] = damaged[3]! ^ 1;
  assert.throws(() => parse(damaged, 512), { code: 'invalid', message: /damaged/ });
  assert.throws(() => parse(Buffer.from('no archive'.repeat(100)), 512), { code: 'invalid' });
});

test('no bytes make it throw anything but a refusal, or read for ever', async t => {
  const folder = await scratchFolder(t);
  await writeFile(join(folder, 'a'), 'x'.repeat(600));
  const good = await archive(folder, 'posix');
  const spot = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(spot, { minLength: 1, maxLength: 20 }), spots => {
      const bytes = Buffer.from(good);
      for (const { at, byte } of spots) bytes[at] = byte;
      try {
        parse(bytes, 700);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid', String(error));
      }
    }),
    { numRuns: 500 },
  );
});
