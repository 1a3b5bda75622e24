/**
 * What the guest is made of, from the archive that this machine uses: Debian's kernel, and the emulator where the machine has
 * none. Unpacked into a folder of our own; the machine stays as it is.
 */
import { existsSync, globSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { run } from '../../src/agent/command.ts';

export const PROJECT = resolve(import.meta.dirname, '../..');
export const FOLDER = join(PROJECT, 'var/guest');
export const TREE = join(FOLDER, 'tree');

const NETWORK = { timeoutMs: 900_000 };

/** @returns the kernel's release. Repeatable: what is there is not fetched again. */
export async function fetchGuest(): Promise<string> {
  if (!existsSync(TREE)) {
    console.log(`fetching Debian's kernel and qemu into ${FOLDER}`);
    await fetchInto(join(FOLDER, 'archives'), join(FOLDER, 'tree.new'));
    renameSync(join(FOLDER, 'tree.new'), TREE);
    rmSync(join(FOLDER, 'archives'), { recursive: true });
  }
  return basename(globSync(join(TREE, 'lib/modules/*'))[0] ?? '');
}

async function fetchInto(archives: string, tree: string): Promise<void> {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(archives, 'partial'), { recursive: true });
  const apt = ['-qq', '-y', '-o', `Dir::Cache::archives=${archives}`, '-o', 'APT::Sandbox::User=root'];
  const { stdout } = await run('apt-cache', ['depends', 'linux-image-amd64']);
  const kernel = /Depends: (linux-image-\S+)/.exec(stdout)?.[1] ?? '';
  // With what qemu needs and this machine lacks; of the kernel the package alone, for there is nothing to install.
  const install = ['install', '--download-only', '--reinstall', '--no-install-recommends', 'qemu-system-x86'];
  await run('apt-get', [...apt, ...install], NETWORK);
  await run('apt-get', [...apt, 'download', kernel], { ...NETWORK, cwd: archives });
  mkdirSync(tree, { recursive: true });
  for (const name of globSync('*.deb', { cwd: archives })) await run('dpkg', ['-x', join(archives, name), tree]);
  await run('busybox', ['depmod', '-b', tree, basename(globSync(join(tree, 'lib/modules/*'))[0] ?? '')]);
}
