import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createEntryPolicy } from './entry-policy.ts';

const part = fc.constantFrom('..', '.', '', 'a', 'b', 'dev', 'rootfs', 'a\0', '...', ' ');
const path = fc.array(part, { maxLength: 6 }).map(parts => parts.join('/'));
const type = fc.constantFrom('file', 'directory', 'symlink', 'link', 'fifo', 'device', 'other') as fc.Arbitrary<'file'>;

test('whatever is admitted stays below the folder it is unpacked to, links and all', () => {
  const entries = fc.array(fc.record({ path, type, target: path }), { maxLength: 12 });
  fc.assert(
    fc.property(entries, fc.constantFrom('', 'rootfs'), (list, rootFolder) => {
      const policy = createEntryPolicy(rootFolder, 100);
      const links = new Set<string>();
      for (const entry of list) {
        let clean: string;
        try {
          clean = policy.admit(entry);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'invalid');
          return;
        }
        assert.equal(resolve('/top', clean), clean === '' ? '/top' : `/top/${clean}`);
        for (const link of links) assert.ok(!clean.startsWith(`${link}/`), `${clean} is written through ${link}`);
        if ((entry.type as string) === 'symlink') links.add(clean);
        if ((entry.type as string) === 'link') assert.ok(resolve('/top', entry.target).startsWith('/top'));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a refusal names the entry without its control characters', () => {
  const policy = createEntryPolicy('', 10);
  assert.throws(() => policy.admit({ path: '../\x1b[31mred', type: 'file', target: '' }), {
    message: /"\.\.\/\?\[31mred" has/,
  });
});

test('too many entries are refused', () => {
  const policy = createEntryPolicy('', 2);
  for (const name of ['a', 'b']) policy.admit({ path: name, type: 'file', target: '' });
  assert.throws(() => policy.admit({ path: 'c', type: 'file', target: '' }), { message: /more than 2 files/ });
});
