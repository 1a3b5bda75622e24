/** `storage volume`: make, list, look at, change, rename, delete. */
import type { Command } from 'commander';
import type { Settings } from '../../api/instance.ts';
import { at } from '../../api/path.ts';
import { isClustered } from '../../api/server.ts';
import { type Fields, update, writable } from '../../api/update.ts';
import { editYaml } from '../../input/edit.ts';
import { parseKeyValues, parseSettings } from '../../input/key-value.ts';
import { type Columns, pickColumns } from '../../render/pick-columns.ts';
import { binarySize } from '../../render/quantity.ts';
import { type Format, formatOption, renderList, sortRows } from '../../render/table.ts';
import { renderYaml } from '../../render/yaml.ts';
import type { Session } from '../../session.ts';
import { withSettings } from '../settings.ts';
import { defineVolumeArchives } from './archive.ts';
import { defineVolumeCopies } from './copies.ts';
import { volumePath } from './reference.ts';
import { defineVolumeUse } from './use.ts';

interface Volume {
  readonly name: string;
  readonly type: string;
  readonly description?: string;
  readonly content_type?: string;
  readonly location?: string;
  readonly project?: string;
  readonly used_by?: readonly string[] | null;
}

interface ListOptions {
  readonly format: Format;
  readonly allProjects?: true;
  readonly columns?: string;
}

/** Under the letters of `lxc storage volume list`. */
const VOLUME_COLUMNS: Columns<Volume> = {
  e: { header: 'PROJECT', cell: volume => volume.project ?? 'default' },
  t: { header: 'TYPE', cell: ({ name, type }) => (name.includes('/') ? `${type} (snapshot)` : type) },
  n: { header: 'NAME', cell: ({ name }) => name },
  d: { header: 'DESCRIPTION', cell: ({ description }) => description ?? '' },
  c: { header: 'CONTENT-TYPE', cell: volume => volume.content_type ?? '' },
  u: { header: 'USED BY', cell: volume => String(volume.used_by?.length ?? 0) },
  L: { header: 'LOCATION', cell: ({ location }) => location ?? '' },
};

interface Targeted {
  readonly target?: string;
}

export function defineVolumeCommands(storage: Command, session: Session): void {
  const group = storage.command('volume').description('Manage storage volumes');
  const sub = (name: string, summary: string) => group.command(name).description(summary).argument('<pool>');
  const named = (name: string, summary: string) =>
    sub(name, summary).argument('<volume>').option('--target <host>', 'the volume of this host');

  sub('list', 'List storage volumes')
    .alias('ls')
    .option('--all-projects', 'of all projects')
    .option(
      '-c, --columns <letters>',
      'e project, t type, n name, d description, c content type, u used by, L location',
    )
    .addOption(formatOption())
    .action(async (reference: string, { format, allProjects, columns }: ListOptions) => {
      const { client, name: pool } = await session.resolve(reference);
      const query = { recursion: 1, 'all-projects': allProjects };
      const [volumes, clustered] = await Promise.all([
        client.get<readonly Volume[]>(at`storage-pools/${pool}/volumes`, query),
        isClustered(client),
      ]);
      const letters = columns ?? `${allProjects ? 'e' : ''}tndcu${clustered ? 'L' : ''}`;
      const chosen = pickColumns(VOLUME_COLUMNS, letters);
      const headers = chosen.map(({ header }) => header);
      const rows = volumes.map(volume => chosen.map(({ cell }) => cell(volume)));
      session.print(await renderList({ headers, rows: sortRows(rows), raw: volumes }, format));
    });
  named('create', 'Create a custom storage volume')
    .argument('[key=value...]')
    .option('--type <type>', 'filesystem or block', 'filesystem')
    .action(
      async (reference: string, volume: string, words: readonly string[], options: Targeted & { type: string }) => {
        const { client, name: pool } = await session.resolve(reference);
        const body = {
          name: volume,
          type: 'custom',
          content_type: options.type,
          description: '',
          config: parseKeyValues(words),
        };
        await client.send('POST', at`storage-pools/${pool}/volumes/custom`, {
          body,
          query: { target: options.target },
        });
        session.print(`Storage volume ${volume} created`);
      },
    );
  named('show', 'Show a storage volume').action(async (reference: string, volume: string, { target }: Targeted) => {
    const { client, name: pool } = await session.resolve(reference);
    session.print(await renderYaml(await client.get(volumePath(pool, volume).whole, { target })));
  });
  named('info', 'Show how much a storage volume holds, and its snapshots').action(
    async (reference: string, volume: string, { target }: Targeted) => {
      const { client, name: pool } = await session.resolve(reference);
      const { volume: path } = volumePath(pool, volume);
      const [found, { usage }, snapshots] = await Promise.all([
        client.get<Volume>(path, { target }),
        client.get<{ usage: { used: number; total?: number } }>(`${path}/state`, { target }),
        client.get<readonly { name: string; description?: string; expires_at?: string }[]>(`${path}/snapshots`, {
          target,
          recursion: 1,
        }),
      ]);
      const lines = [
        `Name: ${found.name}`,
        ...(found.description ? [`Description: ${found.description}`] : []),
        `Type: ${found.type}`,
        `Content type: ${found.content_type ?? ''}`,
        ...(found.location ? [`Location: ${found.location}`] : []),
        `Usage: ${binarySize(usage.used)}`,
        ...(usage.total ? [`Total: ${binarySize(usage.total)}`] : []),
      ];
      session.print(lines.join('\n'));
      if (snapshots.length === 0) return;
      const rows = snapshots.map(each => [
        each.name,
        each.description ?? '',
        each.expires_at?.startsWith('0001-') ? '' : (each.expires_at ?? ''),
      ]);
      const headers = ['NAME', 'DESCRIPTION', 'EXPIRES AT'];
      session.print(`\nSnapshots:\n${await renderList({ headers, rows, raw: snapshots }, 'table')}`);
    },
  );
  named('get', 'Print the value of a key of a storage volume')
    .argument('<key>')
    .action(async (reference: string, volume: string, key: string, { target }: Targeted) => {
      const { client, name: pool } = await session.resolve(reference);
      const { config } = await client.get<{ config: Settings | null }>(volumePath(pool, volume).whole, { target });
      session.print(config?.[key] ?? '');
    });
  const change = async (reference: string, volume: string, settings: Settings, { target }: Targeted) => {
    const { client, name: pool } = await session.resolve(reference);
    const path = volumePath(pool, volume).whole;
    await update(session, client, 'volume', path, before => withSettings(before, settings), { target });
  };
  named('set', 'Set keys of a storage volume')
    .argument('<key=value...>')
    .action((reference: string, volume: string, words: readonly string[], options: Targeted) =>
      change(reference, volume, parseSettings(words), options),
    );
  named('unset', 'Take a key of a storage volume away')
    .argument('<key>')
    .action((reference: string, volume: string, key: string, options: Targeted) =>
      change(reference, volume, { [key]: '' }, options),
    );
  named('edit', 'Edit a storage volume as YAML').action(
    async (reference: string, volume: string, { target }: Targeted) => {
      const { client, name: pool } = await session.resolve(reference);
      const { whole } = volumePath(pool, volume);
      const { value, etag } = await client.getTagged<Fields>(whole, { target });
      const help = `This is the storage volume ${volume}. Lines that begin with # are left out.`;
      await editYaml(session, writable('volume', value), help, async edited => {
        const body = writable('volume', edited);
        await session.perform(client, 'Updating', () => client.send('PUT', whole, { query: { target }, body, etag }));
      });
    },
  );
  sub('rename', 'Rename a storage volume or a snapshot of one')
    .argument('<old-name>')
    .argument('<new-name>')
    .option('--target <host>', 'the volume of this host')
    .action(async (reference: string, from: string, to: string, { target }: Targeted) => {
      const { client, name: pool } = await session.resolve(reference);
      const name = to.split('/').at(-1)!;
      await session.perform(client, `Renaming ${from}`, () =>
        client.send('POST', volumePath(pool, from).whole, { body: { name }, query: { target } }),
      );
      session.print(`Renamed storage volume from "${from}" to "${to}"`);
    });
  named('delete', 'Delete a storage volume or a snapshot of one')
    .alias('rm')
    .action(async (reference: string, volume: string, { target }: Targeted) => {
      const { client, name: pool } = await session.resolve(reference);
      await session.perform(client, `Deleting ${volume}`, () =>
        client.send('DELETE', volumePath(pool, volume).whole, { query: { target } }),
      );
      session.print(`Storage volume ${volume} deleted`);
    });
  defineVolumeArchives(group, session);
  defineVolumeCopies(group, session);
  defineVolumeUse(group, session);
}
