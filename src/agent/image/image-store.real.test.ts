import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { run } from '../command.ts';
import { DEFAULT_ID_MAP } from '../storage/id-map.ts';
import { openPool } from '../storage/open-pool.ts';
import { scratchFolder } from '../storage/testing/scratch-pool.ts';
import { instanceVolume } from '../storage/volume.ts';
import { type ImageStore, openImageStore } from './image-store.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const METADATA = `architecture: amd64
creation_date: 1700000000
properties: { os: Test, release: 12, serial: 2024-01-01 }
templates:
  /etc/hostname: { when: [create, copy], template: hostname.tpl, create_only: true }
`;

/** A small but honest image: setuid, capability, links, a pipe, a device in /dev. Returns its folder. */
async function makeTree(t: TestContext, metadata = METADATA): Promise<string> {
  const folder = await scratchFolder(t);
  await mkdir(join(folder, 'rootfs/dev'), { recursive: true });
  await mkdir(join(folder, 'rootfs/bin'));
  await mkdir(join(folder, 'rootfs/etc'));
  await mkdir(join(folder, 'templates'));
  await writeFile(join(folder, 'metadata.yaml'), metadata);
  await writeFile(join(folder, 'templates/hostname.tpl'), '{{ container.name }}\n');
  await run('cp', ['/bin/true', join(folder, 'rootfs/bin/sudo')]);
  await run('cp', ['/bin/true', join(folder, 'rootfs/bin/ping')]);
  await run('chmod', ['4755', join(folder, 'rootfs/bin/sudo')]);
  await run('setcap', ['cap_net_raw+ep', join(folder, 'rootfs/bin/ping')]);
  await run('ln', [join(folder, 'rootfs/bin/sudo'), join(folder, 'rootfs/bin/hard')]);
  await symlink('/etc/shadow', join(folder, 'rootfs/etc/absolute'));
  await run('mknod', [join(folder, 'rootfs/dev/null'), 'c', '1', '3']);
  return folder;
}

const tar = (folder: string, ...args: string[]) =>
  run('tar', ['--xattrs', '--xattrs-include=*', ...args], { cwd: folder });

async function store(t: TestContext, limits = DEFAULT_LIMITS): Promise<{ store: ImageStore; data: string }> {
  const data = await scratchFolder(t);
  return { store: await openImageStore(data, limits), data };
}

async function upload(images: ImageStore, files: { meta: string; rootfs?: string }): Promise<void> {
  await copyFile(files.meta, await images.uploadPath('u1', 'meta'));
  if (files.rootfs !== undefined) await copyFile(files.rootfs, await images.uploadPath('u1', 'rootfs'));
}

async function sha256(...files: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex');
}

/** Unpacks into a pool and checks what matters of the result. */
async function checkUnpacked(t: TestContext, images: ImageStore, fingerprint: string): Promise<void> {
  const pool = await openPool('dir', await scratchFolder(t));
  const image = { fingerprint, idMap: DEFAULT_ID_MAP };
  await pool.ensureImage(image, folder => images.unpack(fingerprint, folder, image.idMap));
  await pool.createFromImage(instanceVolume('c1'), image);
  const root = await pool.activate(instanceVolume('c1'));
  const sudo = await stat(join(root, 'bin/sudo'));
  assert.deepEqual([sudo.uid, sudo.mode & 0o7777, sudo.nlink], [DEFAULT_ID_MAP.base, 0o4755, 2]);
  const { stdout } = await run('getfattr', ['-d', '-m-', '-e', 'hex', '--absolute-names', join(root, 'bin/ping')]);
  assert.match(stdout, /security\.capability=0x010000030020.*40420f00/, 'the capability is for root of the mapping');
  assert.deepEqual(await readdir(join(root, 'dev')), []);
  assert.deepEqual((await readdir(root)).sort(), ['bin', 'dev', 'etc']);
}

const PACKED = {
  none: [],
  gzip: ['-z'],
  xz: ['-J'],
  zstd: ['--zstd'],
  bzip2: ['-j'],
  lzma: ['-Ixz --format=lzma'],
} as const;

for (const [packing, flags] of Object.entries(PACKED)) {
  test(`takes a unified image packed with ${packing}`, async t => {
    const folder = await makeTree(t);
    const { store: images, data } = await store(t);
    const file = join(data, 'image');
    const members = packing === 'gzip' ? ['.'] : ['metadata.yaml', 'rootfs', 'templates']; // both spellings of names
    await tar(folder, '-c', ...flags, '-f', file, ...members);
    await upload(images, { meta: file });
    const info = await images.finishUpload('u1');
    assert.equal(info.fingerprint, await sha256(file));
    assert.equal(info.root.packing, packing);
    assert.equal(info.skipped, 1);
    assert.equal(info.metadata.architecture, 'x86_64');
    assert.deepEqual(info.metadata.properties, { os: 'Test', release: '12', serial: '2024-01-01' });
    assert.deepEqual(info.templates, { 'hostname.tpl': '{{ container.name }}\n' });
    assert.deepEqual(await images.finishUpload('u1'), info, 'asked again');
    assert.deepEqual(await (await openImageStore(data)).find(info.fingerprint), info, 'after a restart');
    await checkUnpacked(t, images, info.fingerprint);
    const plain = await scratchFolder(t);
    await images.unpack(info.fingerprint, plain, undefined);
    assert.deepEqual(
      [(await stat(join(plain, 'bin/sudo'))).uid, await readdir(join(plain, 'dev'))],
      [0, []],
      'privileged',
    );
    await images.remove(info.fingerprint);
    await images.remove(info.fingerprint);
    assert.deepEqual(await images.list(), []);
  });
}

for (const kind of ['tar', 'squashfs']) {
  test(`takes a split image with a root as ${kind}`, async t => {
    const folder = await makeTree(t);
    const { store: images, data } = await store(t);
    const files = { meta: join(data, 'meta'), rootfs: join(data, 'root') };
    await tar(folder, '-cJf', files.meta, 'metadata.yaml', 'templates');
    if (kind === 'tar') await tar(join(folder, 'rootfs'), '-czf', files.rootfs, '.');
    else await run('mksquashfs', [join(folder, 'rootfs'), files.rootfs, '-quiet', '-no-progress']);
    await upload(images, files);
    const info = await images.finishUpload('u1', await sha256(files.meta, files.rootfs));
    assert.equal(info.split, true);
    assert.equal(info.skipped, 1);
    await checkUnpacked(t, images, info.fingerprint);
  });
}

/** Each makes a bad image at `file` from a good tree, and says what the refusal must say. */
const BAD: Readonly<Record<string, { make: (folder: string, file: string) => Promise<unknown>; says: RegExp }>> = {
  'a truncated xz file': {
    make: async (folder, file) => {
      await tar(folder, '-cJf', file, '.');
      await truncate(file, Math.floor((await stat(file)).size / 2));
    },
    says: /truncated or damaged/,
  },
  'a truncated plain tar': {
    make: async (folder, file) => {
      await tar(folder, '-cf', file, '.');
      await truncate(file, 20 * 512);
    },
    says: /truncated/,
  },
  'a text': { make: (_, file) => writeFile(file, 'no image at all'.repeat(100)), says: /not a tar archive/ },
  'an empty file': { make: (_, file) => writeFile(file, ''), says: /empty/ },
  'a path with ..': {
    make: (folder, file) =>
      tar(
        folder,
        '-cPf',
        file,
        '--transform=s,rootfs/etc/absolute,rootfs/../../x,',
        'metadata.yaml',
        'templates',
        'rootfs',
      ),
    says: /"rootfs\/\.\.\/\.\.\/x" has "\.\." in its path/,
  },
  'an absolute path': {
    make: (folder, file) =>
      tar(folder, '-cPf', file, '--transform=s,rootfs/etc/absolute,/tmp/x,', 'metadata.yaml', 'templates', 'rootfs'),
    says: /"\/tmp\/x" has an absolute path/,
  },
  'a file below a link': {
    make: async (folder, file) => {
      await tar(
        folder,
        '-cPf',
        file,
        '--transform=s,rootfs/bin/ping$,rootfs/etc/absolute/x,',
        'metadata.yaml',
        'templates',
        'rootfs/etc',
        'rootfs/bin',
      );
    },
    says: /lies below the link "rootfs\/etc\/absolute"/,
  },
  'a device node outside of /dev': {
    make: async (folder, file) => {
      await run('mknod', [join(folder, 'rootfs/etc/disk'), 'b', '8', '0']);
      await tar(folder, '-cf', file, 'metadata.yaml', 'templates', 'rootfs');
    },
    says: /"rootfs\/etc\/disk" is a device node outside of \/dev/,
  },
  'a hard link out of the root': {
    make: async (folder, file) => {
      await run('ln', [join(folder, 'metadata.yaml'), join(folder, 'rootfs/etc/leak')]);
      await tar(folder, '-cf', file, 'metadata.yaml', 'templates', 'rootfs');
    },
    says: /hard link to "metadata.yaml", outside/,
  },
  'a bomb': {
    make: async (folder, file) => {
      await run('truncate', ['-s', '80M', join(folder, 'rootfs/zeroes')]);
      await tar(folder, '-cJf', file, 'metadata.yaml', 'templates', 'rootfs');
    },
    says: /unpacks to more than/,
  },
  'no metadata': { make: (folder, file) => tar(folder, '-cf', file, 'rootfs'), says: /no metadata.yaml/ },
  'no root': { make: (folder, file) => tar(folder, '-cf', file, 'metadata.yaml', 'templates'), says: /no rootfs/ },
  'a template that is missing': {
    make: (folder, file) => tar(folder, '-cf', file, 'metadata.yaml', 'rootfs'),
    says: /names template "hostname.tpl"/,
  },
  'a bare squashfs': {
    make: (folder, file) => run('mksquashfs', [folder, file, '-quiet', '-no-progress']),
    says: /bare squashfs/,
  },
};

for (const [what, { make, says }] of Object.entries(BAD)) {
  test(`refuses ${what} and keeps nothing of it`, async t => {
    const folder = await makeTree(t);
    const { store: images, data } = await store(t, { ...DEFAULT_LIMITS, alwaysBytes: 20 << 20, ratio: 20 });
    const file = join(await scratchFolder(t), 'image');
    await make(folder, file);
    await upload(images, { meta: file });
    await assert.rejects(images.finishUpload('u1'), { code: 'invalid', message: says });
    assert.deepEqual(await readdir(join(data, 'images')), []);
    assert.deepEqual(await readdir(join(data, 'uploads')), []);
  });
}

test('refuses a damaged squashfs root, one with a device outside of /dev, and a wrong fingerprint', async t => {
  const folder = await makeTree(t);
  const { store: images, data } = await store(t);
  const files = { meta: join(data, 'meta'), rootfs: join(data, 'root') };
  await tar(folder, '-cf', files.meta, 'metadata.yaml', 'templates');
  const squash = () => run('mksquashfs', [join(folder, 'rootfs'), files.rootfs, '-quiet', '-no-progress', '-noappend']);

  await squash();
  await truncate(files.rootfs, 3000);
  await upload(images, files);
  await assert.rejects(images.finishUpload('u1'), { code: 'invalid', message: /squashfs of the image is truncated/ });

  await run('mknod', [join(folder, 'rootfs/etc/disk'), 'b', '8', '0']);
  await squash();
  await upload(images, files);
  await assert.rejects(images.finishUpload('u1'), { code: 'invalid', message: /"etc\/disk" is a device node/ });

  await upload(images, files);
  await assert.rejects(images.finishUpload('u1', 'a'.repeat(64)), {
    code: 'invalid',
    message: /has fingerprint .* not aaaa/,
  });
  assert.deepEqual(await readdir(join(data, 'images')), []);
});

test('says it when an image has owners that an unprivileged instance cannot have', async t => {
  const folder = await makeTree(t);
  const { store: images, data } = await store(t);
  await run('chown', ['100000:100000', join(folder, 'rootfs/etc')]);
  await tar(folder, '-cf', join(data, 'image'), 'metadata.yaml', 'templates', 'rootfs');
  await upload(images, { meta: join(data, 'image') });
  const { fingerprint } = await images.finishUpload('u1');
  const pool = await openPool('dir', await scratchFolder(t));
  const ensure = (idMap: typeof DEFAULT_ID_MAP | undefined) =>
    pool.ensureImage({ fingerprint, idMap }, into => images.unpack(fingerprint, into, idMap));
  await assert.rejects(ensure(DEFAULT_ID_MAP), {
    code: 'invalid',
    message: /a file of uid 100000, gid 100000, more than/,
  });
  assert.equal(await pool.hasImage({ fingerprint, idMap: DEFAULT_ID_MAP }), false);
  await ensure(undefined);
});
