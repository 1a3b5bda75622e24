import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { haltSignalOf, resolveInside, signalNumber } from './init-type.ts';

describe('init type', () => {
  let folder: string;
  let root: string;
  let count = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-init-'));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    root = join(folder, String(count++));
    await mkdir(join(root, 'usr/sbin'), { recursive: true });
    await mkdir(join(root, 'usr/lib/systemd'), { recursive: true });
  });

  it('finds systemd through links as Debian has them', async () => {
    await symlink('usr/sbin', join(root, 'sbin'));
    await symlink('usr/lib', join(root, 'lib'));
    await symlink('/lib/systemd/systemd', join(root, 'usr/sbin/init'));
    await writeFile(join(root, 'usr/lib/systemd/systemd'), '');
    assert.equal(await haltSignalOf(root), 'SIGRTMIN+3');
  });

  it('finds busybox, and takes anything else for one that listens to SIGPWR', async () => {
    await mkdir(join(root, 'bin'));
    await writeFile(join(root, 'bin/busybox'), '');
    await mkdir(join(root, 'sbin'));
    await symlink('../bin/busybox', join(root, 'sbin/init'));
    assert.equal(await haltSignalOf(root), 'SIGUSR1');
    await rm(join(root, 'sbin/init'));
    assert.equal(await haltSignalOf(root), 'SIGPWR');
  });

  it('never leaves the root, however links point', async () => {
    await symlink('../../../../../../../etc/passwd', join(root, 'climb'));
    await symlink('/etc/passwd', join(root, 'absolute'));
    await symlink('loop', join(root, 'loop'));
    assert.equal(await resolveInside(root, '/climb'), undefined);
    assert.equal(await resolveInside(root, '/absolute'), undefined);
    assert.equal(await resolveInside(root, '/loop'), undefined);
  });

  it('knows the numbers of the signals it names', () => {
    assert.deepEqual(['SIGRTMIN+3', 'SIGUSR1', 'SIGPWR'].map(signalNumber), [37, 10, 30]);
  });
});
