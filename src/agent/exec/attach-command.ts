/**
 * How a command gets into a container: pure. lxc-attach puts it under the same confinement as init (cgroups, seccomp,
 * capabilities, AppArmor). It gets a session of its own made inside: a daemon it leaves behind would otherwise belong to a
 * session of the host, and CRIU refuses to dump such a container.
 */
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly interactive: boolean;
  /** Ids inside. */
  readonly user: number;
  readonly group: number;
  /** '' = the user's home. */
  readonly cwd: string;
}

export interface AttachCommand {
  readonly args: readonly string[];
  /** Of lxc-attach itself: it changes to the folder of the same name inside, or to / if there is none. */
  readonly cwd: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * @param setsid its path inside, if there is one
 * @throws AppError `invalid` for a command or variable that cannot be passed on
 */
export function attachCommand(
  lxcPath: string,
  id: string,
  request: ExecRequest,
  config: Config,
  setsid: string | undefined,
): AttachCommand {
  const { command, user, group, cwd } = request;
  if (command.length === 0) fail('invalid', 'command is missing');
  if (command.some(word => word.includes('\0'))) fail('invalid', 'command: a word contains a zero byte');
  const variables = Object.entries(environmentOf(request, config)).flatMap(([name, value]) => [
    '-v',
    `${name}=${value}`,
  ]);
  // A terminal's session is made by lxc-attach, on a terminal of the container's own.
  const session = setsid !== undefined && !request.interactive ? [setsid] : [];
  const there = cwd === '' ? [] : ['/bin/sh', '-c', 'cd -- "$0" && exec "$@"', cwd];
  return {
    args: [
      ...['-P', lxcPath, '-n', id, '--quiet', '--clear-env', '--uid', String(user), '--gid', String(group)],
      ...variables,
      '--',
      ...session,
      ...there,
      ...command,
    ],
    cwd: user === 0 ? '/root' : '/',
  };
}

/** LXD's defaults, then the instance's `environment.*`, then what the caller says. */
export function environmentOf({ environment, interactive, user }: ExecRequest, config: Config): Config {
  const own = Object.entries(config)
    .filter(([key]) => key.startsWith('environment.'))
    .map(([key, value]) => [key.slice('environment.'.length), value]);
  const all: Config = {
    PATH,
    LANG: 'C.UTF-8',
    ...(user === 0 ? { HOME: '/root', USER: 'root' } : { HOME: '/' }),
    ...(interactive ? { TERM: 'xterm' } : {}),
    ...Object.fromEntries(own),
    ...environment,
  };
  for (const [name, value] of Object.entries(all)) {
    if (!/^[^=\0]+$/.test(name) || value.includes('\0')) fail('invalid', `environment: "${name}" cannot be a variable`);
  }
  return all;
}
