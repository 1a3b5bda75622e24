/**
 * A dump without lxc-checkpoint, as it would ask for it: where there is cgroup v2 alone, LXC (up to 7.0.0) cannot save a container
 * that it has restored, because a monitor that began with a restore does not know that its cgroup can be frozen. All that
 * lxc-checkpoint does for a dump is to put these arguments together.
 */
import { join } from 'node:path';

export interface DumpSubject {
  /** Of its init, in the host's numbers. */
  readonly pid: number;
  /** Path of its cgroup, and where v2 is mounted. */
  readonly cgroup: string;
  readonly mountPoint: string;
  /** Text of its LXC configuration. */
  readonly config: string;
}

/** Our `criu` comes first in the path and adds the move's options. @param images folder to write to, which is there */
export function dumpCommand(images: string, { pid, cgroup, mountPoint, config }: DumpSubject): readonly string[] {
  return [
    ...['criu', 'dump', '--tcp-established', '--file-locks', '--link-remap', '--manage-cgroups=full'],
    ...['--ext-mount-map', 'auto', '--enable-external-sharing', '--enable-external-masters'],
    ...['--enable-fs', 'hugetlbfs', '--enable-fs', 'tracefs', '-D', images, '-o', join(images, 'dump.log')],
    ...['--cgroup-root', `:${cgroup.slice(mountPoint.length)}`],
    ...boundIn(config).flatMap(path => ['--ext-mount-map', `/${path}:${path}`]),
    ...['-t', `${pid}`, '--skip-in-flight', '--freeze-cgroup', cgroup, '--force-irmap'],
  ];
}

/** Mount points of what the host lends it. LXC's name for each is the path without its slash; its restore asks for that. */
function boundIn(config: string): readonly string[] {
  return [...config.matchAll(/^\s*lxc\.mount\.entry\s*=\s*\S+\s+(\S+)\s+\S+\s+(\S+)/gm)]
    .filter(([, , options]) => options!.split(',').some(option => option === 'bind' || option === 'rbind'))
    .map(([, path]) => path!.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))));
}
