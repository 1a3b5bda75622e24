import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readIndex, readProducts } from './read.ts';

const SUM = 'a'.repeat(64);
const item = (more: object = {}) => ({ ftype: 'lxd.tar.xz', path: 'a/lxd.tar.xz', sha256: SUM, size: 10, ...more });
const products = (items: object, more: object = {}) => ({
  products: { p: { arch: 'amd64', aliases: 'debian/12', ...more, versions: { '20260101_0700': { items } } } },
});
const split = (meta: object = {}, root: object = {}) => ({
  m: item({ combined_squashfs_sha256: 'b'.repeat(64), ...meta }),
  r: { ftype: 'squashfs', path: 'a/root.squashfs', sha256: SUM, size: 20, ...root },
});

test('a split image has its combined fingerprint, LXD’s architecture and both files', () => {
  const [image] = readProducts(products(split()));
  assert.equal(image?.fingerprint, 'b'.repeat(64));
  assert.equal(image.architecture, 'x86_64');
  assert.deepEqual(
    image.files.map(({ part, path }) => `${part} ${path}`),
    ['meta a/lxd.tar.xz', 'rootfs a/root.squashfs'],
  );
  assert.equal(readProducts(products(split({ ftype: 'incus.tar.xz' }))).length, 1);
});

for (const [why, document] of Object.entries({
  'a path out of the store': products(split({ path: '../../etc/passwd' })),
  'a path on another host': products(split({}, { path: 'https://other/x' })),
  'an absolute path': products(split({ path: '/etc/passwd' })),
  'no sum': products(split({ sha256: '' })),
  'a size that is none': products(split({}, { size: -1 })),
  'no combined sum': products(split({ combined_squashfs_sha256: 'b' })),
  'an architecture that nobody knows': products(split(), { arch: 'pdp11' }),
}))
  test(`${why}: the image is left out`, () => assert.deepEqual(readProducts(document), []));

test('whatever a store says, reading it does not fail, and leads nowhere else', () =>
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.object(), fc.string(), (json, object, path) => {
      for (const document of [JSON.parse(json), object, products(split({ path })), products(object)]) {
        for (const image of readProducts(document))
          for (const file of image.files) assert.ok(new URL(file.path, 'https://s/').href.startsWith('https://s/'));
        assert.ok(Array.isArray(readIndex(document)));
      }
      for (const at of readIndex({ index: { i: { datatype: 'image-downloads', products: ['x'], path } } }))
        assert.ok(!at.includes('..'));
    }),
    { numRuns: 500 },
  ));
