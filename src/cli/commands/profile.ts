import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import { type Fields, update, writable } from '../api/update.ts';
import type { Define } from '../command-table.ts';
import { defineDeviceCommands } from '../groups/device.ts';
import { defineSettingsCommands } from '../groups/settings.ts';
import { readOptionalStdin } from '../input/stdin.ts';
import { splitRemote } from '../remotes/reference.ts';
import { byName, type Format, formatOption, renderList } from '../render/table.ts';
import { parseYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

interface Profile {
  readonly name: string;
  readonly description?: string;
  readonly used_by?: readonly string[] | null;
}

export const define: Define = (command, session) => {
  const path = (name: string) => at`profiles/${name}`;
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('list', 'List profiles')
    .alias('ls')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (words: string | undefined, { format }: { format: Format }) => {
      const { remote } = splitRemote(words === undefined ? [] : [words], await session.remotes());
      const client = await session.client(remote);
      const profiles = (await client.get<readonly Profile[]>(at`profiles`, { recursion: 1 })).toSorted(byName);
      const rows = profiles.map(p => [p.name, p.description ?? '', String(p.used_by?.length ?? 0)]);
      session.print(await renderList({ headers: ['NAME', 'DESCRIPTION', 'USED BY'], rows, raw: profiles }, format));
    });
  sub('create', 'Create a profile, from YAML on standard input if there is any')
    .argument('<profile>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      const document = ((await parseYaml(await readOptionalStdin(session.io))) ?? {}) as Fields;
      await client.send('POST', at`profiles`, {
        body: { config: {}, devices: {}, description: '', ...writable('profile', document), name },
      });
      session.print(`Profile ${name} created`);
    });
  sub('copy', 'Copy a profile, also to another server')
    .alias('cp')
    .argument('<profile>')
    .argument('<new-name>')
    .option('--target-project <project>', 'the project that shall have the copy')
    .action(async (from: string, to: string, { targetProject }: { targetProject?: string }) => {
      const source = await session.resolve(from);
      const target = await session.resolve(to);
      const profile = await source.client.get<Fields>(path(source.name));
      await target.client.send('POST', at`profiles`, {
        query: { project: targetProject },
        body: { ...writable('profile', profile), name: target.name || source.name },
      });
    });
  sub('rename', 'Rename a profile')
    .alias('mv')
    .argument('<profile>')
    .argument('<new-name>')
    .action(async (reference: string, to: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('POST', path(name), { body: { name: to } });
      session.print(`Profile ${name} renamed to ${to}`);
    });
  sub('delete', 'Delete a profile')
    .alias('rm')
    .argument('<profile>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('DELETE', path(name));
      session.print(`Profile ${name} deleted`);
    });
  defineSettingsCommands(command, session, { kind: 'profile', noun: 'profile', path });
  defineDeviceCommands(command, session, { kind: 'profile', path });
  sub('assign', 'Replace the profiles of an instance')
    .alias('apply')
    .argument('<instance>')
    .argument('<profiles>', 'comma list; "" for none')
    .action(async (reference: string, list: string) => {
      const profiles = list === '' ? [] : list.split(',');
      const name = await changeProfiles(session, reference, () => profiles);
      session.print(
        profiles.length === 0 ? `All profiles removed from ${name}` : `Profiles ${list} applied to ${name}`,
      );
    });
  sub('add', 'Add a profile to an instance')
    .argument('<instance>')
    .argument('<profile>')
    .action(async (reference: string, profile: string) => {
      const name = await changeProfiles(session, reference, before => [...before, profile]);
      session.print(`Profile ${profile} added to ${name}`);
    });
  sub('remove', 'Take a profile from an instance')
    .argument('<instance>')
    .argument('<profile>')
    .action(async (reference: string, profile: string) => {
      const name = await changeProfiles(session, reference, before => {
        if (!before.includes(profile))
          throw new AppError('not-found', `Profile ${profile} isn't currently applied to ${reference}`);
        return before.filter(p => p !== profile);
      });
      session.print(`Profile ${profile} removed from ${name}`);
    });
};

async function changeProfiles(
  session: Session,
  reference: string,
  change: (before: readonly string[]) => readonly string[],
): Promise<string> {
  const { client, name } = await session.resolve(reference);
  await update(session, client, 'instance', at`instances/${name}`, before => ({
    ...before,
    profiles: change((before.profiles as readonly string[] | null) ?? []),
  }));
  return name;
}
