import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { POOL_DRIVERS } from '../../domain/storage-pool.ts';
import { run } from '../command.ts';
import type { StorageDriver } from './driver.ts';
import { DEFAULT_ID_MAP } from './id-map.ts';
import { openPool } from './open-pool.ts';
import { scratchSource } from './testing/scratch-pool.ts';
import { instanceVolume } from './volume.ts';

const IMAGE = { fingerprint: 'f'.repeat(64), idMap: DEFAULT_ID_MAP };
const c1 = instanceVolume('c1');

for (const driver of POOL_DRIVERS) {
  describe(`a pool of driver ${driver}`, () => {
    let source: string;
    let pool: StorageDriver;
    const cleanUps: (() => Promise<unknown>)[] = [];
    after(() => Promise.all(cleanUps.map(cleanUp => cleanUp())));
    before(async () => {
      source = await scratchSource({ after: work => cleanUps.push(work) }, driver);
      pool = await openPool(driver, source);
      await pool.ensureImage(IMAGE, async folder => {
        await writeFile(join(folder, 'motd'), 'hello');
        await writeFile(join(folder, 'large'), Buffer.alloc(65536, 1));
      });
    });

    test('unpacks an image once, however many ask at the same time', async () => {
      let times = 0;
      const image = { ...IMAGE, fingerprint: 'e'.repeat(64) };
      const unpack = async () => void times++;
      await Promise.all([pool.ensureImage(image, unpack), pool.ensureImage(image, unpack)]);
      assert.equal(times, 1);
      await pool.removeImage(image.fingerprint);
      assert.equal(await pool.hasImage(image), false);
      await assert.rejects(pool.createFromImage(c1, image), { code: 'not-found' });
      assert.deepEqual(await pool.list(), []);
    });

    test('takes a half-unpacked image for none', async () => {
      const image = { ...IMAGE, fingerprint: 'd'.repeat(64) };
      const broken = pool.ensureImage(image, async folder => {
        await writeFile(join(folder, 'half'), '');
        throw new Error('cut');
      });
      await assert.rejects(broken, /cut/);
      assert.equal(await pool.hasImage(image), false);
      assert.deepEqual(await readdir(join(source, 'tmp')), []);
    });

    test('creates, copies on write and removes, each repeatable', async () => {
      await pool.createFromImage(c1, IMAGE);
      await pool.createFromImage(c1, IMAGE);
      const root = await pool.activate(c1);
      await writeFile(join(root, 'motd'), 'changed');
      const c2 = instanceVolume('c2');
      await pool.createFromImage(c2, IMAGE);
      assert.equal(await readFile(join(await pool.activate(c2), 'motd'), 'utf8'), 'hello');
      assert.equal((await stat(root)).uid, DEFAULT_ID_MAP.base);
      assert.deepEqual((await pool.list()).map(v => v.name).sort(), ['c1', 'c2']);
      assert.ok((await pool.usageBytes(c1)) > 0);
      for (const volume of [c1, c1, c2]) await pool.remove(volume);
      assert.deepEqual(await pool.list(), []);
      assert.deepEqual(await readdir(join(source, 'instances')), []);
      await assert.rejects(pool.activate(c1), { code: 'not-found' });
    });

    test('keeps others on the host out of a root', async () => {
      await pool.createEmpty(c1, DEFAULT_ID_MAP);
      const home = await stat(join(source, 'instances', 'c1'));
      assert.deepEqual([home.uid, home.mode & 0o777], [DEFAULT_ID_MAP.base, 0o100]);
      await pool.remove(c1);
    });

    test('snapshots, clones, restores', async () => {
      await pool.createFromImage(c1, IMAGE);
      const motd = async (name: string) => readFile(join(await pool.activate(instanceVolume(name)), 'motd'), 'utf8');
      await pool.snapshot(c1, 'one');
      await pool.snapshot(c1, 'one');
      await writeFile(join(await pool.activate(c1), 'motd'), 'later');
      await pool.cloneSnapshot(c1, 'one', instanceVolume('c3'));
      assert.equal(await motd('c3'), 'hello');
      assert.equal(await motd('c1'), 'later');
      await pool.restore(c1, 'one');
      assert.equal(await motd('c1'), 'hello');
      await pool.snapshot(c1, 'two');
      assert.deepEqual(await pool.listSnapshots(c1), ['one', 'two']);
      await pool.removeSnapshot(c1, 'one');
      await pool.removeSnapshot(c1, 'one');
      await assert.rejects(pool.restore(c1, 'one'), { code: 'not-found' });
      await pool.remove(c1);
      await pool.remove(instanceVolume('c3'));
      assert.deepEqual(await readdir(join(source, 'snapshots')), []);
    });

    test('keeps what a restore replaced, so that it can be taken back', async () => {
      await pool.createFromImage(c1, IMAGE);
      const motd = async (name = 'c1') => readFile(join(await pool.activate(instanceVolume(name)), 'motd'), 'utf8');
      await pool.snapshot(c1, 'one');
      await writeFile(join(await pool.activate(c1), 'motd'), 'later');
      await pool.restore(c1, 'one', 'before');
      assert.equal(await motd(), 'hello');
      await writeFile(join(await pool.activate(c1), 'motd'), 'after it');
      await pool.restore(c1, 'one', 'before');
      assert.equal(await motd(), 'after it', 'said again, it is not done again');
      await pool.restore(c1, 'before');
      assert.equal(await motd(), 'later');
      await pool.remove(c1);
    });

    test('copies a volume as it is, with snapshots', async () => {
      await pool.createFromImage(c1, IMAGE);
      const c4 = instanceVolume('c4');
      const motd = async (name: string) => readFile(join(await pool.activate(instanceVolume(name)), 'motd'), 'utf8');
      await pool.snapshot(c1, 'one');
      await writeFile(join(await pool.activate(c1), 'motd'), 'later');
      for (let i = 0; i < 2; i += 1) {
        await pool.clone(c1, c4);
        await pool.copySnapshot(c1, 'one', c4, 'uno');
      }
      assert.equal(await motd('c4'), 'later');
      assert.deepEqual(await pool.listSnapshots(c4), ['uno']);
      await pool.remove(c1);
      await pool.restore(c4, 'uno');
      assert.equal(await motd('c4'), 'hello');
      await pool.remove(c4);
      assert.deepEqual(await readdir(join(source, 'snapshots')), []);
    });

    test('completes an interrupted restore and deletes scratch when it is opened again', async () => {
      await pool.createFromImage(c1, IMAGE);
      const root = await pool.activate(c1);
      await rename(root, `${root}.new`);
      await mkdir(join(source, 'tmp', 'half'));
      const again = await openPool(driver, source);
      assert.equal(await again.exists(c1), true);
      assert.deepEqual(await readdir(join(source, 'tmp')), []);
      await again.remove(c1);
    });

    test('refuses names that are not file names', async () => {
      for (const name of ['', '.', '..', '../x', 'a/b', '.hidden', 'x'.repeat(201)]) {
        await assert.rejects(pool.createEmpty(instanceVolume(name), undefined), { code: 'invalid' });
      }
    });

    test('says how full it is', async () => {
      const { totalBytes, usedBytes } = await pool.poolUsage();
      assert.ok(totalBytes > usedBytes && usedBytes > 0);
    });
  });
}

test('a dir pool says that it cannot limit, and lets limits be lifted', async t => {
  const pool = await openPool('dir', await scratchSource(t, 'dir'));
  await pool.createEmpty(c1, undefined);
  await assert.rejects(pool.setQuota(c1, 1 << 20), { code: 'unsupported' });
  await pool.setQuota(c1, undefined);
});

test('a btrfs pool stops a volume at its limit, as exhausted, and the limit can be lifted', async t => {
  const pool = await openPool('btrfs', await scratchSource(t, 'btrfs'));
  await pool.createEmpty(c1, undefined);
  const root = await pool.activate(c1);
  const write = () =>
    run('dd', ['if=/dev/urandom', `of=${root}/big`, 'bs=1M', 'count=16', 'conv=fsync', 'status=none']);
  await pool.setQuota(c1, 4 << 20);
  await assert.rejects(write(), { code: 'exhausted' });
  await pool.setQuota(c1, undefined);
  await write();
});

test('a full btrfs pool refuses in words and goes on working', async t => {
  const source = await scratchSource(t, 'btrfs', 128 << 20);
  const pool = await openPool('btrfs', source);
  const fill = pool.ensureImage(IMAGE, async folder => {
    await run('dd', ['if=/dev/zero', `of=${folder}/big`, 'bs=1M', 'count=200', 'conv=fsync', 'status=none']);
  });
  await assert.rejects(fill, { code: 'exhausted', message: /No space left in .*: delete something/ });
  await pool.createEmpty(c1, undefined);
  assert.equal(await pool.exists(c1), true);
});

test('a btrfs volume with subvolumes of its own is deleted, and not snapshotted in part', async t => {
  const pool = await openPool('btrfs', await scratchSource(t, 'btrfs'));
  await pool.createEmpty(c1, undefined);
  const root = await pool.activate(c1);
  await run('btrfs', ['subvolume', 'create', `${root}/a b`]);
  await run('btrfs', ['subvolume', 'create', `${root}/a b/deep`]);
  await assert.rejects(pool.snapshot(c1, 'one'), { code: 'unsupported', message: /subvolumes of its own/ });
  await pool.remove(c1);
  assert.equal(await pool.exists(c1), false);
});

test('a btrfs pool on another file system is refused', async t => {
  await assert.rejects(openPool('btrfs', await scratchSource(t, 'dir')), {
    code: 'unsupported',
    message: /not on btrfs/,
  });
});
