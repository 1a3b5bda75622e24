import { AppError } from '../../domain/errors.ts';
import type { Client } from '../api/client.ts';
import { at } from '../api/path.ts';
import { deleteToken, pendingTokens } from '../api/pending-tokens.ts';
import type { Define } from '../command-table.ts';
import { defineClusterGroups } from '../groups/cluster-group.ts';
import { defineEvacuate, defineRestore } from '../groups/evacuate.ts';
import { defineSettingsCommands } from '../groups/settings.ts';
import { ask } from '../input/ask.ts';
import { joinTokenOf } from '../remotes/token.ts';
import { longDate } from '../render/quantity.ts';
import { byName, type Format, formatOption, renderList, sortRows } from '../render/table.ts';

interface Member {
  readonly server_name: string;
  readonly url: string;
  readonly roles?: readonly string[] | null;
  readonly architecture?: string;
  readonly failure_domain?: string;
  readonly description?: string;
  readonly status: string;
  readonly message: string;
}

export const define: Define = (command, session) => {
  const path = (name: string) => at`cluster/members/${name}`;
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('list', 'List the hosts')
    .alias('ls')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (remote: string | undefined, { format }: { format: Format }) => {
      const { client } = await session.resolve(remote ?? '');
      const members = (await client.get<readonly Member[]>(at`cluster/members`, { recursion: 1 }))
        .map(m => ({ ...m, name: m.server_name }))
        .toSorted(byName);
      const separator = format === 'csv' ? ',' : '\n';
      const headers = ['NAME', 'URL', 'ROLES', 'ARCHITECTURE', 'FAILURE DOMAIN', 'DESCRIPTION', 'STATE', 'MESSAGE'];
      const rows = members.map(m => [
        m.name,
        m.url,
        (m.roles ?? []).join(separator),
        m.architecture ?? '',
        m.failure_domain ?? '',
        m.description ?? '',
        m.status.toUpperCase(),
        m.message,
      ]);
      session.print(await renderList({ headers, rows, raw: members.map(({ name: _, ...member }) => member) }, format));
    });
  sub('add', 'Print a token with which a machine joins as a host, once')
    .argument('[host]', 'what the new host is called')
    .option('--name <host>', 'the same')
    .action(async (reference: string | undefined, options: { name?: string }) => {
      const { client, name } = await session.resolve(reference ?? '');
      const host = name || options.name;
      if (!host) throw new AppError('invalid', 'Give the new host a name');
      const answer = await client.send('POST', at`cluster/members`, { body: { server_name: host } });
      if (answer.kind === 'sync') throw new AppError('internal', 'the server made no token');
      session.print(`Member ${host} join token:\n${joinTokenOf(answer.operation)}`);
    });
  sub('list-tokens', 'List the tokens that wait for their host')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (remote: string | undefined, { format }: { format: Format }) => {
      const { client } = await session.resolve(remote ?? '');
      const tokens = (await pendingTokens(client)).filter(token => token.metadata?.serverName !== undefined);
      const rows = tokens.map(t => [
        String(t.metadata?.serverName),
        joinTokenOf(t),
        longDate(String(t.metadata?.expiresAt ?? '')) ?? '',
      ]);
      session.print(
        await renderList({ headers: ['NAME', 'TOKEN', 'EXPIRES AT'], rows: sortRows(rows), raw: tokens }, format),
      );
    });
  sub('revoke-token', 'Make the token of a host invalid')
    .argument('<host>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await deleteToken(client, name, token => token.metadata?.serverName === name);
      session.print(`Cluster join token for ${name} deleted`);
    });
  sub('remove', 'Remove a host from the cluster')
    .alias('rm')
    .argument('<host>')
    .option('-f, --force', 'also if it cannot be reached; what is on it is lost to the cluster')
    .option('--yes', 'do not ask')
    .action(async (reference: string, options: { force?: boolean; yes?: boolean }) => {
      const { client, name } = await session.resolve(reference);
      if (options.force && !options.yes) {
        session.note(await whatIsLost(client, name));
        if ((await ask(session.io, `Are you really sure you want to force removing ${name}? (yes/no): `)) !== 'yes')
          throw new AppError('cancelled', 'User aborted');
      }
      await session.perform(client, `Removing ${name}`, () =>
        client.send('DELETE', path(name), { query: { force: options.force ? 1 : undefined } }),
      );
      session.print(`Member ${name} removed`);
    });
  sub('rename', 'Rename a host')
    .alias('mv')
    .argument('<host>')
    .argument('<new-name>')
    .action(async (reference: string, to: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('POST', path(name), { body: { server_name: to } });
      session.print(`Member ${name} renamed to ${to}`);
    });
  defineClusterGroups(command, session);
  defineEvacuate(sub('evacuate', 'Empty a host: its instances move elsewhere').alias('evac'), session);
  defineRestore(sub('restore', 'Put an evacuated host back to work'), session);
  defineSettingsCommands(command, session, { kind: 'member', noun: 'host', path });
};

/** Said before a host is given up. */
async function whatIsLost(client: Client, host: string): Promise<string> {
  const all = await client.get<readonly { readonly name: string; readonly location: string }[]>(at`instances`, {
    recursion: 1,
    'all-projects': 'true',
  });
  const names = all.filter(({ location }) => location === host).map(({ name }) => name);
  const lost =
    names.length === 0
      ? 'It has no instances.'
      : `The cluster forgets its ${names.length} instance(s): ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}.`;
  return `${lost} Backups, custom volumes and images that only ${host} has are forgotten too. Should it still live, they go on running where nobody counts them: do it only when it is gone for good.`;
}
