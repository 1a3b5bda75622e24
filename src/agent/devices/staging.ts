/**
 * A place of this host for what a device lays into an instance: `devices/<instance>/<device>`. Folders on the way to the
 * source may be closed to others, and so to the root of an unprivileged instance, for which LXC (a start) and CRIU (the end
 * of a move) mount as that root; and a device node needs an owner of the instance's. It is cleared away when the instance
 * has stopped.
 */
import { type BigIntStats, existsSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import type { Host } from '../host.ts';

const TIMEOUT = { timeoutMs: 10_000 };

export const stagePath = (host: Pick<Host, 'paths'>, id: string, device: string): string =>
  join(host.paths.devices, id, device);

/** Repeatable. */
export async function stageFolder(
  host: Host,
  id: string,
  device: string,
  source: string,
  recursive: boolean,
): Promise<void> {
  const path = stagePath(host, id, device);
  const found = look(source)!;
  if (sameAs(look(path), found)) return;
  await unstage(host, id, device);
  await folderOf(host, id);
  await (found.isDirectory() ? mkdir(path) : writeFile(path, ''));
  await run('mount', [recursive ? '--rbind' : '--bind', '--', source, path], TIMEOUT);
}

export interface NodeOrder {
  readonly kind: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  /** Permissions. */
  readonly mode: number;
  /** On this host. */
  readonly uid: number;
  readonly gid: number;
}

/** A device node. Repeatable. */
export async function stageNode(host: Host, id: string, device: string, order: NodeOrder): Promise<void> {
  const path = stagePath(host, id, device);
  const { kind, major, minor, mode, uid, gid } = order;
  const found = look(path);
  const present = found && (kind === 'c' ? found.isCharacterDevice() : found.isBlockDevice()) && numbersOf(found);
  if (!present || present.major !== major || present.minor !== minor) {
    await unstage(host, id, device);
    await folderOf(host, id);
    await run('mknod', ['--', path, kind, `${major}`, `${minor}`], TIMEOUT);
  }
  await chown(path, uid, gid);
  await chmod(path, mode);
}

/** Repeatable; what is still mounted inside stays there. */
export async function unstage(host: Host, id: string, device: string): Promise<void> {
  const path = stagePath(host, id, device);
  if (look(path) === undefined) return;
  while ((await run('umount', ['-l', '--', path], { ...TIMEOUT, allowFailure: true })).code === 0);
  // Never what was mounted there: a folder goes only when it is empty.
  if (look(path)!.isDirectory()) await rmdir(path);
  else await rm(path);
}

export async function unstageAll(host: Host, id: string): Promise<void> {
  const folder = join(host.paths.devices, id);
  if (!existsSync(folder)) return;
  for (const device of await readdir(folder)) await unstage(host, id, device);
  await rmdir(folder);
}

/** The numbers of a device node. @see makedev(3) */
export function numbersOf({ rdev }: Pick<BigIntStats, 'rdev'>): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

/** What is at a path of this host, links followed. */
export function look(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

const sameAs = (one: BigIntStats | undefined, other: BigIntStats): boolean =>
  one !== undefined && one.dev === other.dev && one.ino === other.ino;

async function folderOf(host: Host, id: string): Promise<void> {
  await mkdir(join(host.paths.devices, id), { recursive: true, mode: 0o711 });
}
