import type { Command } from 'commander';
import { at } from '../api/path.ts';
import { splitRemote } from '../remotes/reference.ts';
import { type Format, formatOption, renderList, sortRows } from '../render/table.ts';
import type { Session } from '../session.ts';

interface Alias {
  readonly name: string;
  readonly target: string;
  readonly type?: string;
  readonly description?: string;
}

export function defineAliasCommands(group: Command, session: Session): void {
  const sub = (name: string, summary: string) => group.command(name).description(summary);
  sub('list', 'List aliases')
    .alias('ls')
    .usage('[REMOTE:] [FILTER...] [options]')
    .argument('[filter...]', 'a remote; parts of names')
    .addOption(formatOption())
    .action(async (words: readonly string[], { format }: { format: Format }) => {
      const { remote, rest } = splitRemote(words, await session.remotes());
      const client = await session.client(remote);
      const aliases = (await client.get<readonly Alias[]>(at`images/aliases`, { recursion: 1 })).filter(alias =>
        rest.every(part => alias.name.includes(part)),
      );
      const rows = aliases.map(a => [
        a.name,
        a.target.slice(0, 12),
        (a.type || 'container').toUpperCase(),
        a.description ?? '',
      ]);
      session.print(
        await renderList(
          { headers: ['ALIAS', 'FINGERPRINT', 'TYPE', 'DESCRIPTION'], rows: sortRows(rows), raw: aliases },
          format,
        ),
      );
    });
  sub('create', 'Give an image an alias')
    .argument('<alias>')
    .argument('<fingerprint>')
    .option('--description <text>', 'what it stands for', '')
    .action(async (reference: string, target: string, { description }: { description: string }) => {
      const { client, name } = await session.resolve(reference);
      await client.send('POST', at`images/aliases`, { body: { name, target, description } });
    });
  sub('rename', 'Rename an alias')
    .alias('mv')
    .argument('<alias>')
    .argument('<new-name>')
    .action(async (reference: string, to: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('POST', at`images/aliases/${name}`, { body: { name: to } });
    });
  sub('delete', 'Delete an alias; the image stays')
    .alias('rm')
    .argument('<alias>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('DELETE', at`images/aliases/${name}`);
    });
}
