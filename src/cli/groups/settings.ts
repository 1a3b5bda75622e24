import type { Command } from 'commander';
import type { Settings } from '../api/instance.ts';
import { type Fields, type Kind, update, writable } from '../api/update.ts';
import { editYaml } from '../input/edit.ts';
import { applySettings, parseSettings } from '../input/key-value.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

/** A named thing of the API that has a config map: how to reach it, and what it is called. */
export interface Configurable {
  readonly kind: Kind;
  /** Of the argument, e.g. "pool". */
  readonly noun: string;
  readonly path: (name: string) => string;
  /** Sent with every call; for what each host has its own values of. */
  readonly targeted?: boolean;
  /** It has room that is used up. */
  readonly hasResources?: true;
}

interface Options {
  readonly target?: string;
}

/** show, get, set, unset and edit: the same for pools, networks, profiles, projects and hosts. */
export function defineSettingsCommands(group: Command, session: Session, thing: Configurable): void {
  const sub = (name: string, summary: string) => {
    const command = group.command(name).description(summary).argument(`<${thing.noun}>`);
    return thing.targeted ? command.option('--target <host>', 'the values of this host') : command;
  };
  const find = async (reference: string, options: Options) => {
    const { client, name } = await session.resolve(reference);
    return { client, path: thing.path(name), query: { target: options.target } };
  };

  const show = sub('show', `Show a ${thing.noun}`);
  if (thing.hasResources) show.option('--resources', 'what there is of it, and what is used');
  show.action(async (reference: string, options: Options & { readonly resources?: true }) => {
    const { client, path, query } = await find(reference, options);
    session.print(await renderYaml(await client.get(options.resources ? `${path}/resources` : path, query)));
  });
  sub('get', 'Print the value of a key')
    .argument('<key>')
    .action(async (reference: string, key: string, options: Options) => {
      const { client, path, query } = await find(reference, options);
      session.print((await client.get<{ config: Settings | null }>(path, query)).config?.[key] ?? '');
    });
  sub('set', 'Set keys')
    .argument('<key=value...>')
    .action(async (reference: string, words: readonly string[], options: Options) => {
      const { client, path, query } = await find(reference, options);
      await update(session, client, thing.kind, path, before => withSettings(before, parseSettings(words)), query);
    });
  sub('unset', 'Take keys away')
    .argument('<key...>')
    .action(async (reference: string, keys: readonly string[], options: Options) => {
      const { client, path, query } = await find(reference, options);
      await update(
        session,
        client,
        thing.kind,
        path,
        before => withSettings(before, Object.fromEntries(keys.map(key => [key, '']))),
        query,
      );
    });
  sub('edit', 'Edit it as YAML, in the editor or from standard input').action(
    async (reference: string, options: Options) => {
      const { client, path, query } = await find(reference, options);
      const { value, etag } = await client.getTagged<Fields>(path, query);
      await editYaml(
        session,
        writable(thing.kind, value),
        `This is the ${thing.noun} ${reference}. Lines that begin with # are left out.`,
        async edited => {
          await session.perform(client, 'Updating', () =>
            client.send('PUT', path, { query, body: writable(thing.kind, edited), etag }),
          );
        },
      );
    },
  );
}

/** Pure: the fields with changed keys of their config; an empty value takes a key away. */
export function withSettings(before: Fields, changes: Settings): Fields {
  return { ...before, config: applySettings(before.config as Settings | null, changes) };
}
