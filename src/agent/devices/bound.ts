/**
 * What a device lays from this host into an instance's tree: a folder, a file, a device node. The same plan makes LXC's
 * line for a start, by which CRIU also finds it on the other host of a move, and a mount in an instance that runs.
 */
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import { run } from '../command.ts';
import { line } from '../lxc/line.ts';
import { MOUNTS, PLUG_FILES } from '../nic/plug-files.ts';
import type { Running } from './device-kind.ts';

export interface Bound {
  readonly device: string;
  /** On this host. */
  readonly source: string;
  /** Absolute, inside. */
  readonly path: string;
  readonly isFile: boolean;
  readonly readonly: boolean;
  readonly recursive: boolean;
  readonly propagation: string;
  /** The instance starts without it where the source is not there. */
  readonly optional: boolean;
}

/**
 * LXC's line. It is always optional: one that must be there was looked for before, and at a reboot from inside LXC still
 * has the lines of the last start, of which a device may have been taken out since.
 */
export function boundLine({ source, path, isFile, readonly, recursive }: Bound): string {
  const flags = [
    recursive ? 'rbind' : 'bind',
    isFile ? 'create=file' : 'create=dir',
    ...(readonly ? ['ro'] : []),
    'optional',
  ];
  return line('lxc.mount.entry', `${escaped(source)} ${escaped(path.slice(1))} none ${flags.join(',')} 0 0`);
}

/** For the plug script, which lays in what LXC has not: what came since the last start. Fields end in NUL, as no path may. */
export async function writeMountsFile(folder: string, all: readonly Bound[]): Promise<void> {
  const there = all.filter(({ source }) => existsSync(source));
  const fields = there.flatMap(each => [each.source, each.path, ...kindOf(each), flagsOf(each).join(',')]);
  await writeFile(join(folder, PLUG_FILES.mounts), fields.map(field => `${field}\0`).join(''));
}

const kindOf = ({ isFile, propagation }: Bound) => [isFile ? 'file' : 'dir', propagation] as const;
const flagsOf = ({ readonly, recursive }: Bound) => [
  ...(readonly ? ['readonly'] : []),
  ...(recursive ? ['recursive'] : []),
];

/** Repeatable. @throws AppError `invalid` naming the device and what the kernel or the guest's tree says against it */
export async function bindInto({ pid }: Running, bound: Bound): Promise<void> {
  const { source, path, optional } = bound;
  if (optional && !existsSync(source)) return;
  await mounts(bound.device, ['in', `${pid}`, source, path, ...kindOf(bound), ...flagsOf(bound)]);
}

/** Repeatable. @param unlink also the empty file it was laid over */
export async function unbindFrom({ pid }: Running, { device, source, path }: Bound, unlink = false): Promise<void> {
  const stat = statSync(source, { throwIfNoEntry: false, bigint: true });
  const same = stat === undefined ? '-' : `${stat.dev}:${stat.ino}`;
  await mounts(device, ['out', `${pid}`, path, same, ...(unlink ? ['unlink'] : [])]);
}

async function mounts(device: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(MOUNTS, args, { timeoutMs: 10_000, allowFailure: true });
  if (code !== 0) throw new AppError('invalid', `device "${device}": ${stderr.trim()}`);
}

/** As in fstab: white space and the backslash itself in octal. */
const escaped = (path: string): string =>
  path.replace(/[ \t\\]/g, character => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
