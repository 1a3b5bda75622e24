/** Disk devices as LXC mount lines: host folders, files and custom volumes. The root disk is not among them. */
import { fail } from '../../domain/errors.ts';
import type { Config, Devices } from '../../domain/instance.ts';
import { isTrue } from '../../domain/values.ts';
import { line } from './line.ts';

export interface HostPath {
  readonly path: string;
  readonly isFile: boolean;
}

/** Where on this host the source of a disk device is. @throws AppError `not-found` naming the device */
export type DiskSource = (device: string, options: Config) => HostPath;

/** Device types that need nothing from LXC's configuration: NICs are plugged, `none` hides an inherited device. */
const ELSEWHERE = ['nic', 'none'];

/** @throws AppError `invalid` or `unsupported` naming the device */
export function mountLines(devices: Devices, diskSource: DiskSource): readonly string[] {
  return extraDisks(devices).map(([name, options]) => mountLine(options, diskSource(name, options)));
}

/** Disk devices other than the root, checked. */
export function extraDisks(devices: Devices): readonly (readonly [name: string, options: Config])[] {
  return Object.entries(devices).filter(([name, options]) => {
    if (ELSEWHERE.includes(options.type ?? '')) return false;
    if (options.type !== 'disk') fail('unsupported', `device "${name}": type "${options.type}" is not supported yet`);
    if (options.path === '/') return false;
    const { path = '', source = '', pool } = options;
    if (!path.startsWith('/') || path.split('/').includes('..')) {
      fail('invalid', `device "${name}": path "${path}" must be absolute and without ".."`);
    }
    if (source === '') fail('invalid', `device "${name}": source is missing`);
    if (pool === undefined && !source.startsWith('/')) {
      fail('invalid', `device "${name}": source "${source}" must be an absolute path, or a volume of a named pool`);
    }
    return true;
  });
}

/** May the instance not start without it? */
export const isRequired = (options: Config): boolean => options.required === undefined || isTrue(options.required);

function mountLine(options: Config, source: HostPath): string {
  const flags = [
    isTrue(options.recursive) ? 'rbind' : 'bind',
    source.isFile ? 'create=file' : 'create=dir',
    ...(isTrue(options.readonly) ? ['ro'] : []),
    ...(isRequired(options) ? [] : ['optional']),
  ];
  return line(
    'lxc.mount.entry',
    `${escaped(source.path)} ${escaped(options.path!.slice(1))} none ${flags.join(',')} 0 0`,
  );
}

/** As in fstab: white space and the backslash itself in octal. */
const escaped = (path: string): string =>
  path.replace(/[ \t\\]/g, character => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
