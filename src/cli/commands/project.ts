/** `berth project`: which there are, in which one works, and how one is made, changed and removed. */

import type { Settings } from '../api/instance.ts';
import { at } from '../api/path.ts';
import { type Fields, writable } from '../api/update.ts';
import type { Define } from '../command-table.ts';
import { defineSettingsCommands } from '../groups/settings.ts';
import { collect, parseKeyValues } from '../input/key-value.ts';
import { readOptionalStdin } from '../input/stdin.ts';
import { parseReference } from '../remotes/reference.ts';
import { getRemote, setRemoteProject } from '../remotes/remote.ts';
import { binarySize } from '../render/quantity.ts';
import { byName, type Format, formatOption, renderList, sortRows } from '../render/table.ts';
import { parseYaml } from '../render/yaml.ts';

interface Project {
  readonly name: string;
  readonly description?: string;
  readonly config?: Readonly<Record<string, string>> | null;
  readonly used_by?: readonly string[] | null;
}

/** What a project may have of its own, in LXD's order. */
const FEATURES = ['images', 'profiles', 'storage.volumes', 'networks'] as const;

interface ProjectState {
  readonly resources: Readonly<Record<string, { readonly Limit: number; readonly Usage: number }>>;
}

/** Resources that are counted in bytes. */
const BYTES = new Set(['disk', 'memory']);

export const define: Define = (command, session) => {
  const path = (name: string) => at`projects/${name}`;
  command
    .command('list')
    .alias('ls')
    .description('List projects')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (reference: string | undefined, { format }: { format: Format }) => {
      const { client, remote } = await session.resolve(reference ?? '');
      const current = session.flags.project ?? getRemote(await session.remotes(), remote).project ?? 'default';
      const projects = (await client.get<readonly Project[]>(at`projects`, { recursion: 1 })).toSorted(byName);
      const headers = [
        'NAME',
        ...FEATURES.map(feature => feature.replace('.', ' ').toUpperCase()),
        'DESCRIPTION',
        'USED BY',
      ];
      const rows = projects.map(p => [
        p.name === current ? `${p.name} (current)` : p.name,
        ...FEATURES.map(feature => (p.config?.[`features.${feature}`] === 'true' ? 'YES' : 'NO')),
        p.description ?? '',
        String(p.used_by?.length ?? 0),
      ]);
      session.print(await renderList({ headers, rows, raw: projects }, format));
    });
  command
    .command('create')
    .description('Create a project, from YAML on standard input if there is any')
    .argument('<project>')
    .option('-c, --config <key=value>', 'config key of the new project', collect, [])
    .action(async (reference: string, { config }: { config: readonly string[] }) => {
      const { client, name } = await session.resolve(reference);
      const document = ((await parseYaml(await readOptionalStdin(session.io))) ?? {}) as Fields;
      const sent = writable('project', document);
      const settings = { ...(sent.config as Settings | undefined), ...parseKeyValues(config) };
      await client.send('POST', at`projects`, { body: { description: '', ...sent, config: settings, name } });
      session.print(`Project ${name} created`);
    });
  command
    .command('rename')
    .alias('mv')
    .description('Rename a project that is empty')
    .argument('<project>')
    .argument('<new-name>')
    .action(async (reference: string, to: string) => {
      const { client, name } = await session.resolve(reference);
      await session.perform(client, `Renaming ${name}`, () => client.send('POST', path(name), { body: { name: to } }));
      session.print(`Project ${name} renamed to ${to}`);
    });
  command
    .command('delete')
    .alias('rm')
    .description('Delete a project that is empty')
    .argument('<project>')
    .action(async (reference: string) => {
      const { client, remote, name } = await session.resolve(reference);
      await client.send('DELETE', path(name));
      session.print(`Project ${name} deleted`);
      // Who worked in it works in `default` from now on.
      const remotes = await session.remotes();
      if (getRemote(remotes, remote).project === name)
        await session.saveRemotes(setRemoteProject(remotes, remote, 'default'));
    });
  command
    .command('info')
    .description('Show how much of its limits a project uses')
    .argument('<project>')
    .addOption(formatOption())
    .action(async (reference: string, { format }: { format: Format }) => {
      const { client, name } = await session.resolve(reference);
      const { resources } = await client.get<ProjectState>(`${path(name)}/state`);
      const rows = Object.entries(resources).map(([resource, { Limit, Usage }]) => {
        const show = (value: number) => (BYTES.has(resource) ? binarySize(value) : String(value));
        return [resource.toUpperCase(), Limit < 0 ? 'UNLIMITED' : show(Limit), show(Usage)];
      });
      session.print(
        await renderList({ headers: ['RESOURCE', 'LIMIT', 'USAGE'], rows: sortRows(rows), raw: resources }, format),
      );
    });
  defineSettingsCommands(command, session, { kind: 'project', noun: 'project', path });
  command
    .command('switch')
    .description('Work in another project from now on')
    .argument('<project>')
    .action(async (reference: string) => {
      const remotes = await session.remotes();
      const { remote, name } = parseReference(reference, remotes);
      await (await session.client(remote)).get(at`projects/${name}`);
      await session.saveRemotes(setRemoteProject(remotes, remote, name));
    });
};
