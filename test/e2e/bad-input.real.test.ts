/** Everything a user can get wrong is answered clearly and leaves nothing behind. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../src/agent/command.ts';
import { type Harness, openHarness } from './harness.ts';

const METADATA = 'architecture: x86_64\ncreation_date: 1700000000\n';

describe('bad input', { timeout: 180_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('bad-input', { hosts: 2 });
  });
  after(async () => {
    if (harness === undefined) return;
    const left = await harness.berthJson<unknown[]>('list');
    const images = await harness.berthJson<unknown[]>('image', 'list');
    await harness.close();
    assert.deepEqual(left, [], 'no instance is left behind');
    assert.equal(images.length, 1, 'no image is left behind');
  });

  for (const [what, args, message] of [
    ['an unknown image', ['launch', 'nothing', 'c1'], /nothing|not found/i],
    ['an invalid name', ['launch', 'busybox', 'no_good'], /Invalid instance name: "no_good"/],
    ['an unknown key', ['launch', 'busybox', 'c1', '-c', 'limits.cpus=1'], /Unknown configuration key: "limits.cpus"/],
    ['a wrong value', ['launch', 'busybox', 'c1', '-c', 'limits.memory=lots'], /"limits.memory": "lots" is not a size/],
    [
      'a limit that no host can meet',
      ['launch', 'busybox', 'c1', '-c', 'limits.memory=900GiB'],
      /0 of 2 hosts: 2 not enough memory \(largest free .*, needs 900GiB\)/,
    ],
    ['a host that does not exist', ['launch', 'busybox', 'c1', '--target', 'n9'], /n9/],
    ['an unknown profile', ['launch', 'busybox', 'c1', '-p', 'nope'], /nope/],
    ['an instance that does not exist', ['stop', 'ghost'], /ghost|not found/i],
  ] as const) {
    it(`says what is wrong with ${what}`, async () => {
      assert.match(await harness.berthFails(...args), message);
      assert.deepEqual(await harness.berthJson<unknown[]>('list'), []);
    });
  }

  it('refuses a limit that the host cannot give to a running instance, and keeps the old one', async () => {
    await harness.berth(['launch', 'busybox', 'grow', '-c', 'limits.memory=64MiB']);
    assert.match(
      await harness.berthFails('config', 'set', 'grow', 'limits.memory', '900GiB'),
      /not enough memory \(largest free/,
    );
    assert.equal((await harness.berth(['config', 'get', 'grow', 'limits.memory'])).stdout, '64MiB\n');
    await harness.berth(['delete', 'grow', '--force']);
  });

  it('lets exactly one of two clients have a name', async () => {
    const both = await Promise.all(
      [1, 2].map(() => harness.berth(['init', 'busybox', 'twin'], { allowFailure: true })),
    );
    assert.deepEqual(both.map(({ code }) => code).sort(), [0, 1]);
    assert.match(both.find(({ code }) => code !== 0)!.stderr, /already exists|busy/);
    await harness.berth(['delete', 'twin']);
  });

  const archive = async (name: string, build: (folder: string) => Promise<readonly string[]>) => {
    const folder = join(harness.cluster.dir, 'bad', name);
    mkdirSync(join(folder, 'rootfs', 'bin'), { recursive: true });
    writeFileSync(join(folder, 'metadata.yaml'), METADATA);
    writeFileSync(join(folder, 'rootfs', 'bin', 'sh'), '#!');
    const extra = await build(folder);
    const file = join(harness.cluster.dir, 'bad', `${name}.tar`);
    await run('tar', ['-C', folder, '-P', '-cf', file, ...extra]);
    return file;
  };

  it('refuses archives that are not what they should be', async () => {
    mkdirSync(join(harness.cluster.dir, 'bad'));
    const random = join(harness.cluster.dir, 'bad', 'random');
    writeFileSync(random, createHash('sha256').update('x').digest());
    const truncated = join(harness.cluster.dir, 'bad', 'truncated.tar.gz');
    writeFileSync(truncated, readFileSync(harness.image).subarray(0, 200_000));
    const bomb = await archive('bomb', async folder => {
      await run('truncate', ['-s', '1300M', join(folder, 'rootfs', 'big')]);
      return ['--zstd', 'metadata.yaml', 'rootfs'];
    });
    const cases: readonly (readonly [string, RegExp])[] = [
      [random, /not an? (image|archive|known|tar)|archive/i],
      [truncated, /truncated|unexpected end|incomplete|ends/i],
      [
        await archive('dots', async () => [
          '--transform=s,rootfs/bin/sh,rootfs/../../evil,',
          'metadata.yaml',
          'rootfs',
        ]),
        /\.\./,
      ],
      [
        await archive('absolute', async () => ['--transform=s,rootfs/bin/sh,/evil,', 'metadata.yaml', 'rootfs']),
        /absolute|\/evil/,
      ],
      [
        await archive('device', async folder => {
          await run('mknod', [join(folder, 'rootfs', 'disk'), 'b', '8', '0']);
          return ['metadata.yaml', 'rootfs'];
        }),
        /device/,
      ],
      [
        await archive('link', async folder => {
          symlinkSync('/etc', join(folder, 'rootfs', 'link'));
          mkdirSync(join(folder, 'rootfs', 'x'));
          writeFileSync(join(folder, 'rootfs', 'x', 'passwd'), 'evil');
          return [
            '--transform=s,rootfs/x/passwd,rootfs/link/passwd,',
            'metadata.yaml',
            'rootfs/link',
            'rootfs/x/passwd',
          ];
        }),
        /link/,
      ],
      [await archive('no-metadata', async () => ['rootfs']), /metadata\.yaml/],
      [bomb, /too (large|big|much)|larger|limit|expand/i],
    ];
    for (const [file, message] of cases) {
      const said = await harness.berthFails('image', 'import', file, '--alias', 'bad');
      assert.match(said, message, file);
    }
  });
});
