/**
 * Unprivileged instances see ids 0..size-1, the host sees base..base+size-1. Trees of such an instance are read and
 * written by programs that run inside that mapping, in a user namespace: the kernel then shifts owners, ACLs and file
 * capabilities by itself, and a hostile archive or a race with a symlink reaches nothing that the instance's root
 * could not reach anyway.
 */
export interface IdMap {
  /** The host's id of the instance's root, both user and group. */
  readonly base: number;
  readonly size: number;
}

/** The range that Debian's set-up gives root, and that ours writes to /etc/subuid. */
export const DEFAULT_ID_MAP: IdMap = { base: 1_000_000, size: 65_536 };

export type CommandLine = readonly [file: string, args: readonly string[]];

/**
 * The same command, run as root of the mapping; unchanged when there is none (a privileged instance). Its working
 * directory is reached before the mapping takes effect, so the folders above need no permissions.
 */
export function within(idMap: IdMap | undefined, [file, args]: CommandLine): CommandLine {
  if (idMap === undefined) return [file, args];
  const map = `${idMap.base},0,${idMap.size}`;
  const enter = ['--user', `--map-users=${map}`, `--map-groups=${map}`, '--setuid', '0', '--setgid', '0'];
  return ['unshare', [...enter, '--', file, ...args]];
}

/** The host's id of the root of a tree that is used under this mapping. */
export const rootIdOf = (idMap: IdMap | undefined): number => idMap?.base ?? 0;

/**
 * As `within`, for a program that writes owners as an archive of a shifted tree has them: what is `archiveBase` + n there
 * becomes n of the mapping. The program runs as the first of these ids and keeps its rights by `--keep-caps`.
 */
export function withinShifted(idMap: IdMap | undefined, archiveBase: number, command: CommandLine): CommandLine {
  if (idMap === undefined || archiveBase === 0) return within(idMap, command);
  const map = `${idMap.base},${archiveBase},${idMap.size}`;
  const own = String(archiveBase);
  const enter = [
    '--user',
    `--map-users=${map}`,
    `--map-groups=${map}`,
    '--setuid',
    own,
    '--setgid',
    own,
    '--keep-caps',
  ];
  const [file, args] = command;
  return ['unshare', [...enter, '--', file, ...args]];
}
