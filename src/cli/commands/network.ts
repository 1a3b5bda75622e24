import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { defineNetworkForward } from '../groups/network-forward.ts';
import { defineNetworkShow } from '../groups/network-show.ts';
import { defineNetworkUse } from '../groups/network-use.ts';
import { defineSettingsCommands } from '../groups/settings.ts';
import { parseKeyValues } from '../input/key-value.ts';
import { byName, type Format, formatOption, renderList } from '../render/table.ts';

interface Network {
  readonly name: string;
  readonly type: string;
  readonly managed: boolean;
  readonly description?: string;
  readonly status?: string;
  readonly config?: Readonly<Record<string, string>> | null;
  readonly used_by?: readonly string[] | null;
}

export const define: Define = (command, session) => {
  const path = (name: string) => at`networks/${name}`;
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('list', 'List networks')
    .alias('ls')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (remote: string | undefined, { format }: { format: Format }) => {
      const { client } = await session.resolve(remote ?? '');
      const found = await client.get<readonly Network[]>(at`networks`, { recursion: 1 });
      const networks = found.filter(n => n.type !== 'loopback' && n.type !== 'unknown').toSorted(byName);
      const headers = ['NAME', 'TYPE', 'MANAGED', 'IPV4', 'IPV6', 'DESCRIPTION', 'USED BY', 'STATE'];
      const rows = networks.map(n => [
        n.name,
        n.type,
        n.managed ? 'YES' : 'NO',
        n.config?.['ipv4.address'] ?? '',
        n.config?.['ipv6.address'] ?? '',
        n.description ?? '',
        String(n.used_by?.length ?? 0),
        (n.status ?? '').toUpperCase(),
      ]);
      session.print(await renderList({ headers, rows, raw: networks }, format));
    });
  sub('create', 'Create a network')
    .argument('<network>')
    .argument('[key=value...]')
    .option('-t, --type <type>', 'kind of network', 'bridge')
    .option('--target <host>', 'what this host uses for it; then create it once more without --target')
    .action(
      async (reference: string, words: readonly string[], { type, target }: { type: string; target?: string }) => {
        const { client, name } = await session.resolve(reference);
        const body = { name, type, config: parseKeyValues(words), description: '' };
        await session.perform(client, `Creating ${name}`, () =>
          client.send('POST', at`networks`, { body, query: { target } }),
        );
        session.print(target === undefined ? `Network ${name} created` : `Network ${name} pending on member ${target}`);
      },
    );
  sub('delete', 'Delete a network')
    .alias('rm')
    .argument('<network>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await session.perform(client, `Deleting ${name}`, () => client.send('DELETE', path(name)));
      session.print(`Network ${name} deleted`);
    });
  sub('rename', 'Give a network that nobody uses another name')
    .alias('mv')
    .argument('<network>')
    .argument('<new-name>')
    .action(async (reference: string, newName: string) => {
      const { client, name } = await session.resolve(reference);
      await session.perform(client, `Renaming ${name}`, () =>
        client.send('POST', path(name), { body: { name: newName } }),
      );
      session.print(`Network ${name} renamed to ${newName}`);
    });
  defineNetworkForward(command, session);
  defineNetworkShow(command, session);
  defineNetworkUse(command, session);
  defineSettingsCommands(command, session, { kind: 'network', noun: 'network', path, targeted: true });
};
