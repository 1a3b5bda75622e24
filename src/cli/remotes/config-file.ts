import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import type { Io } from '../io.ts';
import type { OwnWords } from './own-words.ts';
import { DEFAULT_REMOTES, PROTOCOLS, type Remote, type Remotes, STATIC_REMOTES } from './remote.ts';

/**
 * The file of remotes, in the layout of LXD's own config.yml. A missing file means the defaults; a write replaces the
 * file at once, so a reader sees the old one or the new one.
 */
export function configFile(env: Io['env']): string {
  return env.BERTH_CONF ?? join(env.XDG_CONFIG_HOME ?? join(env.HOME ?? '/root', '.config'), 'berth', 'config.yml');
}

export async function readRemotes(env: Io['env']): Promise<Remotes> {
  const file = configFile(env);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return DEFAULT_REMOTES;
    throw new AppError('invalid', `cannot read ${file}: ${(error as Error).message}`, error);
  }
  const { parse } = await import('yaml');
  try {
    return parseRemotes(parse(text));
  } catch (error) {
    throw new AppError(
      'invalid',
      `${file} is not a list of remotes (${(error as Error).message}): correct it or move it away`,
      error,
    );
  }
}

export async function writeRemotes(env: Io['env'], config: Remotes): Promise<void> {
  const file = configFile(env);
  const { stringify } = await import('yaml');
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, stringify(toDocument(config), { indentSeq: false }), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Static remotes win over what the file says of them. */
export function parseRemotes(document: unknown): Remotes {
  if (document === null || document === undefined) return DEFAULT_REMOTES;
  if (typeof document !== 'object') throw new AppError('invalid', 'expected a map');
  const { 'default-remote': chosen, remotes, aliases } = document as Record<string, unknown>;
  const entries = Object.entries((remotes ?? {}) as Record<string, unknown>).map(
    ([name, value]) => [name, parseRemote(name, value)] as const,
  );
  const all = { ...Object.fromEntries(entries), ...STATIC_REMOTES };
  const defaultRemote = typeof chosen === 'string' && Object.hasOwn(all, chosen) ? chosen : 'local';
  return { defaultRemote, remotes: all, ...parseAliases(aliases) };
}

function parseAliases(aliases: unknown): Pick<Remotes, 'aliases'> {
  const words = Object.entries((aliases ?? {}) as Record<string, unknown>).filter(
    ([, target]) => typeof target === 'string',
  );
  return words.length === 0 ? {} : { aliases: Object.fromEntries(words) as OwnWords };
}

function parseRemote(name: string, value: unknown): Remote {
  const fields = (value ?? {}) as Record<string, unknown>;
  const protocol = PROTOCOLS.find(p => p === (fields.protocol ?? 'lxd'));
  if (typeof fields.addr !== 'string') throw new AppError('invalid', `remote ${name} has no addr`);
  if (protocol === undefined)
    throw new AppError('invalid', `remote ${name} has the unknown protocol ${JSON.stringify(fields.protocol)}`);
  const project = fields.project;
  return {
    addr: fields.addr,
    protocol,
    public: fields.public === true,
    ...(typeof project === 'string' ? { project } : {}),
  };
}

function toDocument(config: Remotes): unknown {
  const kept = Object.entries(config.remotes).filter(
    ([name, remote]) => !Object.hasOwn(STATIC_REMOTES, name) || remote.project !== undefined,
  );
  return {
    'default-remote': config.defaultRemote,
    remotes: Object.fromEntries(kept),
    ...(config.aliases === undefined ? {} : { aliases: config.aliases }),
  };
}
