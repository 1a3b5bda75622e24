/**
 * The smallest image that does something: this machine's busybox-static as init, shell and tools. Built when needed,
 * nothing is downloaded, and the same busybox always gives the same bytes, so the image's fingerprint stays.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { stringify } from 'yaml';
import { run } from '../../src/agent/command.ts';

export interface ImageFiles {
  /** The unified image, or the metadata part of a split one. */
  readonly file: string;
  /** The root file system of a split image, a squashfs: `FILE.squashfs`. */
  readonly rootfs: string | undefined;
}

/**
 * Writes LXD's unified image (a tar.gz) to `file`, or with `split` its metadata there and its root file system beside.
 * Throws `unsupported` or `not-found` where busybox-static or squashfs-tools are missing.
 */
export async function buildBusyboxImage(file: string, form: { readonly split?: boolean } = {}): Promise<ImageFiles> {
  const root = await rootTree();
  if (!form.split) {
    const inside = root.map(entry => ({ ...entry, name: `rootfs/${entry.name}` }));
    await writeFile(file, await compress(await tar([...metadataTree(), folder('rootfs'), ...inside])));
    return { file, rootfs: undefined };
  }
  const rootfs = `${file}.squashfs`;
  await writeFile(file, await compress(await tar(metadataTree())));
  const time = String(CREATED_S);
  await run('rm', ['-f', rootfs]); // sqfstar would add to it
  const options = [
    '-quiet',
    '-no-progress',
    '-exit-on-error',
    '-mkfs-time',
    time,
    '-all-time',
    time,
    '-root-mode',
    '755',
  ];
  await run('sqfstar', [...options, rootfs], { input: await tar(root) });
  return { file, rootfs };
}

/** All times in the image; a constant, so that the bytes do not depend on when it was built. */
export const CREATED_S = Date.UTC(2026, 0, 1) / 1000;

interface Entry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly linkname?: string;
  readonly content?: string | Buffer;
}

async function rootTree(): Promise<readonly Entry[]> {
  const busybox = await readFile('/bin/busybox');
  const { stdout } = await run('/bin/busybox', ['--list']);
  const applets = stdout.split('\n').filter(name => name !== '' && name !== 'busybox');
  return [
    ...['dev', 'etc', 'mnt', 'proc', 'run', 'sys', 'usr', 'usr/bin', 'var', 'var/log'].map(name => folder(name)),
    folder('root', 0o700),
    folder('tmp', 0o1777),
    file('usr/bin/busybox', busybox, 0o755),
    // one folder of programs under all its usual names
    ...['bin', 'sbin', 'usr/sbin'].map(name => link(name, name.startsWith('usr') ? 'bin' : 'usr/bin')),
    ...applets.map(name => link(`usr/bin/${name}`, 'busybox')),
    ...Object.entries(FILES).map(([name, content]) => file(name, content)),
    file('etc/shadow', 'root:*:20000:0:99999:7:::\n', 0o600),
  ];
}

const FILES: Readonly<Record<string, string>> = {
  // init needs no console; it halts on SIGUSR1, which is what LXC sends to a busybox
  'etc/inittab': '::sysinit:/bin/hostname -F /etc/hostname\n',
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/hostname': 'busybox\n',
  'etc/hosts': '127.0.0.1 localhost\n',
  'etc/resolv.conf': '',
  'etc/profile': 'export PATH=/usr/bin\n',
  'etc/os-release': 'ID=busybox\nNAME=BusyBox\nPRETTY_NAME="BusyBox"\n',
};

function metadataTree(): readonly Entry[] {
  const when = ['create', 'copy', 'rename'];
  const metadata = {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    creation_date: CREATED_S,
    properties: { os: 'busybox', release: '1', description: 'BusyBox from this host', name: 'busybox' },
    templates: {
      '/etc/hostname': { when, template: 'hostname.tpl' },
      '/etc/hosts': { when, template: 'hosts.tpl' },
    },
  };
  return [
    file('metadata.yaml', stringify(metadata)),
    folder('templates'),
    file('templates/hostname.tpl', '{{ container.name }}\n'),
    file('templates/hosts.tpl', '127.0.0.1 localhost\n127.0.1.1 {{ container.name }}\n'),
  ];
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

function folder(name: string, mode = 0o755): Entry {
  return { name, type: 'directory', mode };
}

function file(name: string, content: string | Buffer, mode = 0o644): Entry {
  return { name, type: 'file', mode, content };
}

function link(name: string, linkname: string): Entry {
  return { name, type: 'symlink', linkname, mode: 0o777 };
}

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) {
    archive.entry({ ...header, uid: 0, gid: 0, mtime: new Date(CREATED_S * 1000) }, content ?? '');
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const compress = promisify(gzip) as (data: Buffer) => Promise<Buffer>;
