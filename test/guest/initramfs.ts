/** The guest's first root: busybox, and the modules without which it cannot see this machine's files. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../src/agent/command.ts';
import { FOLDER, TREE } from './packages.ts';

const APPLETS = ['cat', 'echo', 'mkdir', 'modprobe', 'mount', 'sh', 'switch_root', 'tr', 'umount'];
/** `initramfs-init.sh` loads them by these names. */
const MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];

/** @returns the path of the archive */
export async function makeInitramfs(kernel: string): Promise<string> {
  const root = join(FOLDER, 'initramfs');
  const modules = join('lib/modules', kernel);
  rmSync(root, { recursive: true, force: true });
  for (const name of ['bin', 'proc', modules]) mkdirSync(join(root, name), { recursive: true });
  cpSync('/bin/busybox', join(root, 'bin/busybox'), { dereference: true });
  for (const name of APPLETS) symlinkSync('busybox', join(root, 'bin', name));
  copyFileSync(join(import.meta.dirname, 'initramfs-init.sh'), join(root, 'init'));
  const all = readFileSync(join(TREE, modules, 'modules.dep'), 'utf8').split('\n');
  const needed = MODULES.flatMap(name => all.find(line => line.includes(`/${name}.ko:`)) ?? []);
  for (const path of new Set(needed.flatMap(line => line.replace(':', '').trim().split(' ')))) {
    mkdirSync(dirname(join(root, modules, path)), { recursive: true });
    copyFileSync(join(TREE, modules, path), join(root, modules, path));
  }
  writeFileSync(join(root, modules, 'modules.dep'), `${needed.join('\n')}\n`);
  const { stdout: names } = await run('find', ['.'], { cwd: root });
  const archive = join(FOLDER, 'initramfs.cpio');
  await run('busybox', ['cpio', '-o', '-H', 'newc', '-F', archive], { cwd: root, input: names });
  return archive;
}
