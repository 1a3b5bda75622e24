import assert from 'node:assert/strict';
import { appendFile, chown, link, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../kit/clock.ts';
import { type Channel, createChannel } from '../../rpc/data/channel.ts';
import { serve } from '../../rpc/data/serve.ts';
import { run } from '../command.ts';
import type { StorageDriver } from './driver.ts';
import { DEFAULT_ID_MAP } from './id-map.ts';
import { openPool } from './open-pool.ts';
import { scratchSource } from './testing/scratch-pool.ts';
import { channelTo, listing } from './testing/transfer.ts';
import { chooseMethod, type TransferOrder, type VolumeReceiver } from './transfer.ts';
import { instanceVolume } from './volume.ts';

const volume = instanceVolume('c1');
const order = (method: TransferOrder['method'], idMap = DEFAULT_ID_MAP): TransferOrder => ({
  id: 'move-1',
  volume,
  method,
  idMap,
});

/** The awkward things: links, odd names, setuid, capabilities, attributes, ACLs, holes, a pipe. */
async function fill(root: string): Promise<void> {
  await mkdir(join(root, 'etc/empty'), { recursive: true });
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'etc/hostname'), 'c1\n');
  await symlink('/etc/hostname', join(root, 'etc/absolute'));
  await symlink('../bin', join(root, 'etc/relative'));
  await run('cp', ['/bin/true', join(root, 'bin/ping')]);
  await run('cp', ['/bin/true', join(root, 'bin/sudo')]);
  await link(join(root, 'bin/sudo'), join(root, 'bin/sudo-link'));
  await run('mkfifo', [join(root, 'pipe')]);
  await run('truncate', ['-s', '64M', join(root, 'holes')]);
  await appendFile(join(root, 'holes'), 'end');
  await writeFile(Buffer.from(`${root}/\xff odd\n name `, 'latin1'), 'odd');
  await writeFile(join(root, '-rf'), 'dash');
  await run('setfattr', ['-n', 'user.note', '-v', 'kept', join(root, 'etc/hostname')]);
  await run('chown', ['-R', `${DEFAULT_ID_MAP.base}:${DEFAULT_ID_MAP.base}`, root]);
  await chown(join(root, 'etc/hostname'), DEFAULT_ID_MAP.base + 7, DEFAULT_ID_MAP.base + 8);
  await run('chmod', ['4755', join(root, 'bin/sudo')]);
  await run('setcap', ['cap_net_raw+ep', join(root, 'bin/ping')]);
}

async function change(root: string): Promise<void> {
  await appendFile(join(root, 'etc/hostname'), 'more\n');
  await rm(join(root, 'etc/empty'), { recursive: true });
  await writeFile(join(root, 'etc/empty'), 'now a file');
  await rm(join(root, 'pipe'));
  await mkdir(join(root, 'pipe'));
  await writeFile(join(root, 'pipe/inside'), '');
  for (const path of ['etc/empty', 'pipe', 'pipe/inside'])
    await chown(join(root, path), DEFAULT_ID_MAP.base, DEFAULT_ID_MAP.base);
  await rename(join(root, 'etc'), join(root, 'etc2'));
  await rm(join(root, 'bin/sudo-link'));
  await link(join(root, 'bin/ping'), join(root, 'bin/ping-link'));
  await rm(Buffer.from(`${root}/\xff odd\n name `, 'latin1'));
}

async function pair(
  t: TestContext,
  from: 'dir' | 'btrfs',
  to: 'dir' | 'btrfs',
): Promise<[StorageDriver, StorageDriver]> {
  const source = await openPool(from, await scratchSource(t, from));
  const target = await openPool(to, await scratchSource(t, to));
  await source.createEmpty(volume, DEFAULT_ID_MAP);
  await fill(await source.activate(volume));
  return [source, target];
}

const WAYS = [
  ['dir', 'dir', 'tree'],
  ['btrfs', 'dir', 'tree'],
  ['dir', 'btrfs', 'tree'],
  ['btrfs', 'btrfs', 'btrfs'],
] as const;

for (const [from, to, method] of WAYS) {
  describe(`from ${from} to ${to} by ${method}`, () => {
    test('a volume arrives as it is, in rounds, and nothing else is left', async t => {
      const [source, target] = await pair(t, from, to);
      assert.equal(chooseMethod(source.transferMethods(), target.transferMethods(), true), method);
      const root = await source.activate(volume);
      const sender = await source.openSender(order(method));
      const receiver = await target.openReceiver(order(method));
      const channel = channelTo(receiver);

      const first = await sender.round(channel, { final: false });
      await change(root);
      await systemClock.sleep(30); // what changed within 20 ms before a round is shipped again in the next
      await sender.round(channel, { final: false });
      await changeLittle(root);
      const last = await sender.round(channel, { final: true });
      assert.ok(last.bytes < first.bytes * 0.75, `${first.bytes} ${last.bytes}`);

      assert.equal(await target.exists(volume), false);
      await receiver.publish();
      await receiver.publish();
      await receiver.finish();
      await receiver.finish();
      await receiver.publish();
      await receiver.abort();
      await sender.close();
      await channel.close();
      const { base } = DEFAULT_ID_MAP;
      assert.equal(await listing(await target.activate(volume), base), await listing(root, base));
      for (const pool of [source, target]) assert.deepEqual(await readdir(join(pool.source, 'transfers')), []);
    });

    test('snapshots go first, each as what differs from the one before, and an abort removes them', async t => {
      const [source, target] = await pair(t, from, to);
      const root = await source.activate(volume);
      const { base } = DEFAULT_ID_MAP;
      await run('dd', ['if=/dev/urandom', `of=${root}/big`, 'bs=1M', 'count=8', 'status=none']);
      await chown(join(root, 'big'), base, base);
      await source.snapshot(volume, 'one');
      await change(root);
      await source.snapshot(volume, 'two');
      await changeLittle(root);

      const ship = async (receiver: VolumeReceiver) => {
        const sender = await source.openSender(order(method));
        const channel = channelTo(receiver);
        const bytes: number[] = [];
        for (const snapshot of ['one', 'two']) {
          bytes.push((await sender.round(channel, { final: false, snapshot })).bytes);
          for (let i = 0; i < 2; i += 1) await receiver.keep(snapshot);
        }
        bytes.push((await sender.round(channel, { final: true })).bytes);
        await channel.close();
        await sender.close();
        return bytes;
      };
      await ship(await target.openReceiver(order(method)));
      const again = await target.openReceiver(order(method));
      assert.deepEqual(again.kept(), ['one', 'two']);
      await again.publish();
      await again.abort();
      for (const folder of ['snapshots', 'instances', 'transfers'])
        assert.deepEqual(await readdir(join(target.source, folder)), []);

      const receiver = await target.openReceiver(order(method));
      const [first, second, last] = await ship(receiver);
      if (method === 'btrfs') assert.ok(second! + last! < first! / 4, `${first} ${second} ${last}`);
      await receiver.publish();
      await receiver.finish();
      await receiver.abort();
      assert.deepEqual(await target.listSnapshots(volume), ['one', 'two']);
      const trees = (pool: StorageDriver) =>
        ['one', 'two'].map(name => join(pool.source, 'snapshots', volume.name, name));
      for (const [i, tree] of trees(source).entries())
        assert.equal(await listing(trees(target)[i]!, base), await listing(tree, base));
      assert.equal(await listing(await target.activate(volume), base), await listing(root, base));
    });

    test('one more round after it was published withdraws it until it is published again', async t => {
      const [source, target] = await pair(t, from, to);
      const root = await source.activate(volume);
      const sender = await source.openSender(order(method));
      let receiver = await target.openReceiver(order(method));
      await systemClock.sleep(30); // as above
      const first = await sender.round(channelTo(receiver), { final: true });
      await receiver.publish();
      await appendFile(join(root, 'etc/hostname'), 'late');
      receiver = await target.openReceiver(order(method)); // as after a restart of the agent
      const { bytes } = await sender.round(channelTo(receiver), { final: true });
      assert.ok(bytes < first.bytes / 2, `${bytes} of ${first.bytes} bytes: everything was sent again`);
      assert.equal(await target.exists(volume), false);
      await receiver.publish();
      await receiver.finish();
      await sender.close();
      const { base } = DEFAULT_ID_MAP;
      assert.equal(await listing(await target.activate(volume), base), await listing(root, base));
    });

    test('an abort, also by a restarted agent, leaves nothing', async t => {
      const [source, target] = await pair(t, from, to);
      const sender = await source.openSender(order(method));
      const receiver = await target.openReceiver(order(method));
      await sender.round(channelTo(receiver), { final: true });
      await receiver.publish();
      assert.equal(await target.exists(volume), true);

      const [sourceAgain, targetAgain] = [await openPool(from, source.source), await openPool(to, target.source)];
      await (await targetAgain.openReceiver(order(method))).abort();
      await (await sourceAgain.openSender(order(method))).close();
      assert.equal(await target.exists(volume), false);
      assert.equal(await source.exists(volume), true);
      for (const pool of [source, target]) assert.deepEqual(await readdir(join(pool.source, 'transfers')), []);
      assert.deepEqual(await readdir(join(target.source, 'instances')), []);
    });

    test('a restarted agent at either end goes on, and a round cut in the middle is made good', async t => {
      const [source, target] = await pair(t, from, to);
      const root = await source.activate(volume);
      let sender = await source.openSender(order(method));
      let receiver = await target.openReceiver(order(method));
      await sender.round(channelTo(receiver), { final: false });

      await run('dd', ['if=/dev/urandom', `of=${root}/big`, 'bs=1M', 'count=8', 'status=none']);
      await assert.rejects(sender.round(cutAfter(3 << 20, receiver), { final: false }), { code: 'unavailable' });

      await rm(join(root, 'big'));
      receiver = await target.openReceiver(order(method));
      await sender.round(channelTo(receiver), { final: false });
      sender = await source.openSender(order(method));
      await appendFile(join(root, 'etc/hostname'), 'last');
      await sender.round(channelTo(receiver), { final: true });
      receiver = await target.openReceiver(order(method));
      await receiver.publish();
      await receiver.finish();
      await sender.close();
      const { base } = DEFAULT_ID_MAP;
      assert.equal(await listing(await target.activate(volume), base), await listing(root, base));
    });
  });
}

async function changeLittle(root: string): Promise<void> {
  await appendFile(join(root, 'bin/sudo'), 'x'); // the folder stays as it was
  await writeFile(join(root, 'etc2/new'), 'x');
  await run('chown', ['1000003:1000004', join(root, 'etc2/new')]);
}

/** A connection that breaks after so many bytes from the sender. */
function cutAfter(bytes: number, receiver: VolumeReceiver): Channel {
  const [near, far] = duplexPair();
  let seen = 0;
  const write = near._write.bind(near);
  near._write = (chunk, encoding, done) => {
    seen += chunk.length;
    if (seen < bytes) return write(chunk, encoding, done);
    far.destroy();
    near.destroy();
  };
  const answering = createChannel(far, 'berth://agent/source');
  serve(answering, receiver.answer).then(answering.close, () => {});
  return createChannel(near, 'berth://agent/target');
}

test('owners are translated between hosts with other id ranges', async t => {
  const [source, target] = await pair(t, 'dir', 'dir');
  const other = { base: 2_000_000, size: 65_536 };
  assert.equal(chooseMethod(['btrfs', 'tree'], ['btrfs', 'tree'], false), 'tree');
  const sender = await source.openSender(order('tree'));
  const receiver = await target.openReceiver(order('tree', other));
  await sender.round(channelTo(receiver), { final: true });
  await receiver.publish();
  const [ours, theirs] = [await source.activate(volume), await target.activate(volume)];
  assert.equal(await listing(theirs, other.base), await listing(ours, DEFAULT_ID_MAP.base));
});

test('a volume that is there already is not replaced, and not deleted by the abort', async t => {
  const [source, target] = await pair(t, 'dir', 'dir');
  await target.createEmpty(volume, DEFAULT_ID_MAP);
  const sender = await source.openSender(order('tree'));
  const receiver = await target.openReceiver(order('tree'));
  await sender.round(channelTo(receiver), { final: true });
  await assert.rejects(receiver.publish(), { code: 'exists' });
  await receiver.abort();
  assert.equal(await target.exists(volume), true);
});

test('a full target refuses in words, and an abort frees it', async t => {
  const source = await openPool('dir', await scratchSource(t, 'dir'));
  const target = await openPool('btrfs', await scratchSource(t, 'btrfs', 128 << 20));
  await source.createEmpty(volume, DEFAULT_ID_MAP);
  await run('dd', ['if=/dev/urandom', `of=${await source.activate(volume)}/big`, 'bs=1M', 'count=160', 'status=none']);
  const receiver = await target.openReceiver(order('tree'));
  const sender = await source.openSender(order('tree'));
  await assert.rejects(sender.round(channelTo(receiver), { final: false }), {
    code: 'exhausted',
    message: /No space left in/,
  });
  await receiver.abort();
  assert.deepEqual(await readdir(join(target.source, 'transfers')), []);
});
