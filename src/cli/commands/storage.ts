import { at } from '../api/path.ts';
import { isClustered } from '../api/server.ts';
import type { Define } from '../command-table.ts';
import { defineSettingsCommands } from '../groups/settings.ts';
import { defineVolumeCommands } from '../groups/volume/define.ts';
import { parseKeyValues } from '../input/key-value.ts';
import { binarySize } from '../render/quantity.ts';
import { byName, type Format, formatOption, renderList } from '../render/table.ts';
import { groupUsers } from '../render/used-by.ts';
import { renderYaml } from '../render/yaml.ts';

interface Pool {
  readonly name: string;
  readonly driver: string;
  readonly description?: string;
  readonly status?: string;
  readonly config?: Readonly<Record<string, string>> | null;
  readonly used_by?: readonly string[] | null;
}

interface PoolResources {
  readonly space: { readonly used: number; readonly total: number };
}

export const define: Define = (command, session) => {
  const path = (name: string) => at`storage-pools/${name}`;
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('list', 'List storage pools')
    .alias('ls')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (remote: string | undefined, { format }: { format: Format }) => {
      const { client } = await session.resolve(remote ?? '');
      const [found, clustered] = await Promise.all([
        client.get<readonly Pool[]>(at`storage-pools`, { recursion: 1 }),
        isClustered(client),
      ]);
      const pools = found.toSorted(byName);
      const headers = ['NAME', 'DRIVER', ...(clustered ? [] : ['SOURCE']), 'DESCRIPTION', 'USED BY', 'STATE'];
      const rows = pools.map(p => [
        p.name,
        p.driver,
        ...(clustered ? [] : [p.config?.source ?? '']),
        p.description ?? '',
        String(p.used_by?.length ?? 0),
        (p.status ?? '').toUpperCase(),
      ]);
      session.print(await renderList({ headers, rows, raw: pools }, format));
    });
  sub('create', 'Create a storage pool')
    .argument('<pool>')
    .argument('<driver>', 'dir, btrfs, ...')
    .argument('[key=value...]')
    .option('--target <host>', 'what this host uses for it; then create it once more without --target')
    .action(async (reference: string, driver: string, words: readonly string[], { target }: { target?: string }) => {
      const { client, name } = await session.resolve(reference);
      const body = { name, driver, config: parseKeyValues(words), description: '' };
      await session.perform(client, `Creating ${name}`, () =>
        client.send('POST', at`storage-pools`, { body, query: { target } }),
      );
      session.print(
        target === undefined ? `Storage pool ${name} created` : `Storage pool ${name} pending on member ${target}`,
      );
    });
  sub('delete', 'Delete a storage pool')
    .alias('rm')
    .argument('<pool>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await session.perform(client, `Deleting ${name}`, () => client.send('DELETE', path(name)));
      session.print(`Storage pool ${name} deleted`);
    });
  sub('info', 'Show how full a pool is, and what uses it')
    .argument('<pool>')
    .option('--bytes', 'sizes as plain numbers')
    .option('--target <host>', 'the pool of this host')
    .action(async (reference: string, options: { bytes?: boolean; target?: string }) => {
      const { client, name } = await session.resolve(reference);
      const query = { target: options.target };
      const [pool, { space }] = await Promise.all([
        client.get<Pool>(path(name), query),
        client.get<PoolResources>(`${path(name)}/resources`, query),
      ]);
      const size = (bytes: number) => (options.bytes ? bytes : binarySize(bytes));
      const info = {
        description: pool.description ?? '',
        driver: pool.driver,
        name: pool.name,
        'space used': size(space.used),
        'total space': size(space.total),
      };
      session.print(await renderYaml({ info, 'used by': groupUsers(pool.used_by ?? []) }));
    });
  defineVolumeCommands(command, session);
  defineSettingsCommands(command, session, { hasResources: true, kind: 'pool', noun: 'pool', path, targeted: true });
};
