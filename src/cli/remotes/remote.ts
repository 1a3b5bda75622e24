import { AppError } from '../../domain/errors.ts';
import type { OwnWords } from './own-words.ts';

/**
 * The servers a user knows by name, and which one is meant when none is named. Pure: every change gives a new list or a
 * refusal; `config-file.ts` reads and writes it.
 */
export interface Remote {
  /** unix://, unix:///path or https://host:port */
  readonly addr: string;
  readonly protocol: Protocol;
  readonly public: boolean;
  readonly project?: string;
}

export const PROTOCOLS = ['lxd', 'simplestreams'] as const;
type Protocol = (typeof PROTOCOLS)[number];

export interface Remotes {
  readonly defaultRemote: string;
  readonly remotes: Readonly<Record<string, Remote>>;
  /** The user's own commands. */
  readonly aliases?: OwnWords;
}

const store = (addr: string): Remote => ({ addr, protocol: 'simplestreams', public: true });

/** Always there, and not to be changed, as in LXD. */
export const STATIC_REMOTES: Readonly<Record<string, Remote>> = {
  local: { addr: 'unix://', protocol: 'lxd', public: false },
  ubuntu: store('https://cloud-images.ubuntu.com/releases'),
  'ubuntu-daily': store('https://cloud-images.ubuntu.com/daily'),
};

export const DEFAULT_REMOTES: Remotes = {
  defaultRemote: 'local',
  remotes: { ...STATIC_REMOTES, images: store('https://images.linuxcontainers.org') },
};

export function getRemote(config: Remotes, name: string): Remote {
  const remote = Object.hasOwn(config.remotes, name) ? config.remotes[name] : undefined;
  if (remote === undefined) throw new AppError('not-found', `The remote "${name}" doesn't exist`);
  return remote;
}

export function addRemote(config: Remotes, name: string, remote: Remote): Remotes {
  requireName(name);
  if (Object.hasOwn(config.remotes, name)) throw new AppError('exists', `Remote ${name} already exists`);
  return withRemote(config, name, remote);
}

export function removeRemote(config: Remotes, name: string): Remotes {
  changeable(config, name);
  if (config.defaultRemote === name)
    throw new AppError('invalid', "Can't remove the default remote: switch to another first");
  const { [name]: _removed, ...rest } = config.remotes;
  return { ...config, remotes: rest };
}

export function renameRemote(config: Remotes, from: string, to: string): Remotes {
  const remote = changeable(config, from);
  const renamed = addRemote(config, to, remote);
  const switched = config.defaultRemote === from ? { ...renamed, defaultRemote: to } : renamed;
  return removeRemote(switched, from);
}

export function setRemoteUrl(config: Remotes, name: string, addr: string): Remotes {
  return withRemote(config, name, { ...changeable(config, name), addr });
}

/** The project that is used on a remote when no --project is given. */
export function setRemoteProject(config: Remotes, name: string, project: string): Remotes {
  return withRemote(config, name, { ...getRemote(config, name), project });
}

export function switchRemote(config: Remotes, name: string): Remotes {
  getRemote(config, name);
  return { ...config, defaultRemote: name };
}

function withRemote(config: Remotes, name: string, remote: Remote): Remotes {
  return { ...config, remotes: { ...config.remotes, [name]: remote } };
}

function changeable(config: Remotes, name: string): Remote {
  if (Object.hasOwn(STATIC_REMOTES, name))
    throw new AppError('invalid', `Remote ${name} is static and cannot be modified`);
  return getRemote(config, name);
}

/** A name becomes a file name and the part before a colon, so it may hold neither "/" nor ":". */
function requireName(name: string): void {
  if (!/^[^/:.\s][^/:\s]*$/.test(name))
    throw new AppError('invalid', `"${name}" is not a name for a remote: use no spaces, colons or slashes`);
}
