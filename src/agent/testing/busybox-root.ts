/** A root that boots in milliseconds, made of the host's busybox-static: for tests of the runtime alone. */
import { chown, cp, lchown, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const APPLETS = [
  'sh',
  'ls',
  'cat',
  'echo',
  'sleep',
  'ps',
  'id',
  'env',
  'setsid',
  'ip',
  'true',
  'pwd',
  'kill',
  'stty',
  'tty',
  'hostname',
  'dd',
  'head',
  'wc',
  'mkdir',
  'touch',
  'nohup',
  'trap',
  'seq',
  'nc',
  'grep',
  'reboot',
  'rm',
  'test',
  'df',
];

const INITTAB = `::sysinit:/bin/true
::respawn:/bin/sleep 100000
::ctrlaltdel:/bin/true
`;

/** @param owner host id of the root inside */
export async function makeBusyboxRoot(folder: string, owner: number): Promise<void> {
  for (const name of ['bin', 'sbin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'root', 'run', 'usr', 'mnt'])
    await mkdir(join(folder, name), { recursive: true, mode: 0o755 });
  await cp('/bin/busybox', join(folder, 'bin/busybox'));
  for (const name of APPLETS) await symlink('busybox', join(folder, 'bin', name));
  await symlink('../bin/busybox', join(folder, 'sbin/init'));
  await writeFile(join(folder, 'etc/inittab'), INITTAB);
  await writeFile(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(folder, 'etc/group'), 'root:x:0:\n');
  for (const entry of await readdir(folder, { recursive: true })) await lchown(join(folder, entry), owner, owner);
  await chown(folder, owner, owner);
}
