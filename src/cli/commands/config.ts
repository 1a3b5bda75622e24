import { AppError } from '../../domain/errors.ts';
import type { Settings } from '../api/instance.ts';
import { at } from '../api/path.ts';
import type { Server } from '../api/server.ts';
import { type Fields, type Kind, update, writable } from '../api/update.ts';
import type { Define } from '../command-table.ts';
import { defineDeviceCommands } from '../groups/device.ts';
import { defineMetadataCommands } from '../groups/metadata.ts';
import { withSettings } from '../groups/settings.ts';
import { defineTrustCommands } from '../groups/trust.ts';
import { editYaml } from '../input/edit.ts';
import { parseSettings } from '../input/key-value.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

interface Options {
  readonly expanded?: boolean;
  readonly target?: string;
}

export const define: Define = (command, session) => {
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('show', 'Show the configuration of an instance, or of the server')
    .argument('[instance]')
    .option('-e, --expanded', 'with what its profiles bring')
    .option('--target <host>', 'the server configuration of this host')
    .action((instance: string | undefined, options: Options) => show(session, instance ?? '', options));
  sub('get', 'Print the value of a key')
    .usage('[INSTANCE] KEY [options]')
    .argument('<words...>', 'an instance (none: the server), and the key')
    .option('-e, --expanded', 'with what its profiles bring')
    .option('--target <host>', 'the server configuration of this host')
    .action((words: readonly string[], options: Options) => get(session, words, options));
  sub('set', 'Set keys of an instance, or of the server')
    .usage('[INSTANCE] KEY=VALUE... [options]')
    .argument('<words...>', 'an instance (none: the server), and the keys')
    .option('--target <host>', 'the server configuration of this host')
    .action((words: readonly string[], options: Options) => set(session, splitSettings(words), options));
  sub('unset', 'Take a key of an instance, or of the server, away')
    .usage('[INSTANCE] KEY [options]')
    .argument('<words...>', 'an instance (none: the server), and the key')
    .option('--target <host>', 'the server configuration of this host')
    .action((words: readonly string[], options: Options) => set(session, splitKey(words), options));
  sub('edit', 'Edit the configuration as YAML, in the editor or from standard input')
    .argument('[instance]')
    .option('--target <host>', 'the server configuration of this host')
    .action((instance: string | undefined, options: Options) => edit(session, instance ?? '', options));
  defineDeviceCommands(command, session, { kind: 'instance', path: name => at`instances/${name}` });
  defineMetadataCommands(command, session);
  defineTrustCommands(command, session);
};

interface Change {
  /** '' is the server of the default remote. */
  readonly reference: string;
  readonly settings: Settings;
}

/**
 * Pure. `c1 a=b c=d`, `c1 a b`, `a=b` (server), `r: a=b` (server), `a b` (server, the old form).
 */
export function splitSettings(words: readonly string[]): Change {
  const [first = '', ...rest] = words;
  if (first.includes('=')) return { reference: '', settings: parseSettings(words) };
  if (rest.length === 0) throw new AppError('invalid', `Give ${first} a value: ${first}=VALUE`);
  if (rest.length === 1 && !rest[0]!.includes('=') && !first.endsWith(':'))
    return { reference: '', settings: { [first]: rest[0]! } };
  return { reference: first, settings: parseSettings(rest) };
}

/** Pure. `c1 key` or `key`. */
export function splitKey(words: readonly string[]): Change {
  if (words.length > 2) throw new AppError('invalid', `Too many arguments: ${words.slice(2).join(' ')}`);
  const key = words.at(-1)!;
  return { reference: words.length === 2 ? words[0]! : '', settings: { [key]: '' } };
}

async function set(session: Session, { reference, settings }: Change, { target }: Options): Promise<void> {
  const { client, path, kind } = await find(session, reference);
  await update(session, client, kind, path, before => withSettings(before, settings), { target });
}

async function get(session: Session, words: readonly string[], options: Options): Promise<void> {
  const { reference, settings } = splitKey(words);
  const { client, path } = await find(session, reference);
  const { config, expanded_config } = await client.get<{ config?: Settings | null; expanded_config?: Settings | null }>(
    path,
    { target: options.target },
  );
  session.print((options.expanded ? expanded_config : config)?.[Object.keys(settings)[0]!] ?? '');
}

async function show(session: Session, reference: string, options: Options): Promise<void> {
  const { client, path, kind } = await find(session, reference);
  const value = await client.get<Fields>(path, { target: options.target });
  if (kind === 'server') return session.print(await renderYaml({ config: (value as unknown as Server).config ?? {} }));
  const shown = options.expanded ? { ...value, config: value.expanded_config, devices: value.expanded_devices } : value;
  session.print(await renderYaml(writable('instance', shown)));
}

async function edit(session: Session, reference: string, { target }: Options): Promise<void> {
  const { client, path, kind } = await find(session, reference);
  const { value, etag } = await client.getTagged<Fields>(path, { target });
  const help = `This is the configuration of ${kind === 'server' ? 'the server' : `the instance ${reference}`}. Lines that begin with # are left out.`;
  await editYaml(session, writable(kind, value), help, async edited => {
    await session.perform(client, 'Updating', () =>
      client.send('PUT', path, { body: writable(kind, edited), etag, query: { target } }),
    );
  });
}

async function find(
  session: Session,
  reference: string,
): Promise<{ readonly client: Awaited<ReturnType<Session['client']>>; readonly path: string; readonly kind: Kind }> {
  const { client, name } = await session.resolve(reference);
  return name === ''
    ? { client, path: '/1.0', kind: 'server' }
    : { client, path: at`instances/${name}`, kind: 'instance' };
}
