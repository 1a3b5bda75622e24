import { AppError } from '../../domain/errors.ts';
import type { Operation } from '../api/operation.ts';
import { at } from '../api/path.ts';
import { isClustered } from '../api/server.ts';
import type { Define } from '../command-table.ts';
import { drawMovePhases, movePhases } from '../instance/move-phases.ts';
import { dateTime } from '../render/quantity.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';
import { renderYaml } from '../render/yaml.ts';

export const define: Define = (command, session) => {
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('list', 'List work in progress')
    .alias('ls')
    .argument('[remote:]')
    .option('--all-projects', 'of all projects')
    .addOption(formatOption())
    .action(async (remote: string | undefined, options: { format: Format; allProjects?: boolean }) => {
      const { client } = await session.resolve(remote ?? '');
      const query = { recursion: 1, 'all-projects': options.allProjects };
      const [byStatus, clustered] = await Promise.all([
        client.get<Readonly<Record<string, readonly Operation[]>>>(at`operations`, query),
        isClustered(client),
      ]);
      const operations = Object.values(byStatus)
        .flat()
        .toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1));
      const headers = [
        'ID',
        'TYPE',
        'DESCRIPTION',
        'STATUS',
        'CANCELABLE',
        'CREATED',
        ...(clustered ? ['LOCATION'] : []),
      ];
      const rows = operations.map(o => [
        o.id,
        o.class.toUpperCase(),
        o.description,
        o.status.toUpperCase(),
        o.may_cancel ? 'YES' : 'NO',
        dateTime(o.created_at) ?? '',
        ...(clustered ? [o.location ?? ''] : []),
      ]);
      session.print(await renderList({ headers, rows, raw: operations }, options.format));
    });
  sub('show', 'Show an operation')
    .argument('<operation>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      const operation = await client.get<Operation>(at`operations/${name}`);
      session.print(await renderYaml(operation));
      const phases = movePhases(operation.metadata);
      // As comments, so that what is printed stays YAML.
      if (phases !== undefined) session.print(drawMovePhases(phases).replace(/^/gm, '# '));
    });
  sub('wait', 'Wait until an operation is over; exits with 1 if it failed')
    .argument('<operation>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      const operation = await client.get<Operation>(at`operations/${name}`);
      await session.perform(client, operation.description, async () => ({ kind: 'async', operation }));
    });
  sub('delete', 'Cancel an operation')
    .aliases(['cancel', 'rm'])
    .argument('<operation>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      if (name === '') throw new AppError('invalid', 'Name an operation: see berth operation list');
      await client.send('DELETE', at`operations/${name}`);
      session.print(`Operation ${name} deleted`);
    });
};
