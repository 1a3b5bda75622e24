/** `cluster group`: names that hosts carry and that `--target=@GROUP` chooses among. */
import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import { type Fields, update, writable } from '../api/update.ts';
import { editYaml } from '../input/edit.ts';
import { byName, type Format, formatOption, renderList } from '../render/table.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

interface Group {
  readonly name: string;
  readonly description: string;
  readonly members: readonly string[];
}

export function defineClusterGroups(cluster: Command, session: Session): void {
  const group = cluster.command('group').description('Manage groups of hosts');
  const path = (name: string) => at`cluster/groups/${name}`;
  const sub = (name: string, summary: string) => group.command(name).description(summary);
  sub('list', 'List groups of hosts')
    .alias('ls')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (remote: string | undefined, { format }: { format: Format }) => {
      const { client } = await session.resolve(remote ?? '');
      const groups = (await client.get<readonly Group[]>(at`cluster/groups`, { recursion: 1 })).toSorted(byName);
      const rows = groups.map(each => [each.name, each.description, String(each.members.length)]);
      session.print(await renderList({ headers: ['NAME', 'DESCRIPTION', 'MEMBERS'], rows, raw: groups }, format));
    });
  sub('show', 'Show a group of hosts')
    .argument('<group>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      session.print(await renderYaml(await client.get(path(name))));
    });
  sub('create', 'Create a group of hosts')
    .argument('<group>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('POST', at`cluster/groups`, { body: { name, description: '', members: [] } });
      session.print(`Cluster group ${name} created`);
    });
  sub('edit', 'Edit a group of hosts as YAML, in the editor or from standard input')
    .argument('<group>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      const { value, etag } = await client.getTagged<Fields>(path(name));
      const help = `This is the cluster group ${name}. Lines that begin with # are left out.`;
      await editYaml(session, writable('group', value), help, async edited => {
        await client.send('PUT', path(name), { body: writable('group', edited), etag });
      });
    });
  sub('rename', 'Rename a group of hosts')
    .alias('mv')
    .argument('<group>')
    .argument('<new-name>')
    .action(async (reference: string, to: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('POST', path(name), { body: { name: to } });
      session.print(`Cluster group ${name} renamed to ${to}`);
    });
  sub('delete', 'Delete a group of hosts, when none is in it')
    .alias('rm')
    .argument('<group>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('DELETE', path(name));
      session.print(`Cluster group ${name} deleted`);
    });
  sub('assign', 'Say which groups a host is in')
    .alias('apply')
    .argument('<host>')
    .argument('<groups>', 'all of them, with commas between')
    .action(async (reference: string, words: string) => {
      const name = await change(reference, () => words.split(',').filter(word => word !== ''));
      session.print(`Cluster member ${name} added to cluster groups ${words}`);
    });
  sub('remove', 'Take a host out of a group')
    .argument('<host>')
    .argument('<group>')
    .action(async (reference: string, gone: string) => {
      const name = await change(reference, groups => {
        if (!groups.includes(gone)) throw new AppError('not-found', `The host is not in the group ${gone}`);
        return groups.filter(each => each !== gone);
      });
      session.print(`Cluster member ${name} removed from group ${gone}`);
    });

  async function change(reference: string, next: (groups: readonly string[]) => readonly string[]): Promise<string> {
    const { client, name } = await session.resolve(reference);
    await update(session, client, 'member', at`cluster/members/${name}`, before => ({
      ...before,
      groups: next((before.groups ?? []) as readonly string[]),
    }));
    return name;
  }
}
