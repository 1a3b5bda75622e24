import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { type Columns, pickColumns } from '../render/pick-columns.ts';
import { dateTime } from '../render/quantity.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';
import { renderYaml } from '../render/yaml.ts';

interface Warning {
  readonly uuid: string;
  readonly type: string;
  readonly status: string;
  readonly severity: string;
  readonly count: number;
  readonly project: string;
  readonly location: string;
  readonly last_seen_at: string;
  readonly last_message: string;
}

interface ListOptions {
  readonly all?: true;
  readonly format: Format;
  readonly columns: string;
}

/** Under the letters of `lxc warning list`. */
const COLUMNS: Columns<Warning> = {
  u: { header: 'UUID', cell: ({ uuid }) => uuid },
  t: { header: 'TYPE', cell: ({ type }) => type },
  S: { header: 'STATUS', cell: ({ status }) => status.toUpperCase() },
  s: { header: 'SEVERITY', cell: ({ severity }) => severity.toUpperCase() },
  c: { header: 'COUNT', cell: ({ count }) => String(count) },
  p: { header: 'PROJECT', cell: ({ project }) => project },
  L: { header: 'LOCATION', cell: ({ location }) => location },
  l: { header: 'LAST SEEN', cell: warning => dateTime(warning.last_seen_at) ?? '' },
  m: { header: 'LAST MESSAGE', cell: warning => warning.last_message },
};

export const define: Define = (command, session) => {
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  const path = (uuid: string) => at`warnings/${uuid}`;
  sub('list', 'List what is wrong')
    .alias('ls')
    .argument('[remote:]')
    .option('-a, --all', 'also what is acknowledged or over')
    .option('-c, --columns <letters>', 'which columns, by the letters of lxc', 'utSscpLl')
    .addOption(formatOption())
    .action(async (remote: string | undefined, { all, format, columns }: ListOptions) => {
      const { client } = await session.resolve(remote ?? '');
      const found = await client.get<readonly Warning[]>(at`warnings`, { recursion: 1 });
      const warnings = found.filter(({ status }) => all || status === 'new');
      const chosen = pickColumns(COLUMNS, columns);
      const headers = chosen.map(({ header }) => header);
      const rows = warnings.map(warning => chosen.map(({ cell }) => cell(warning)));
      session.print(await renderList({ headers, rows, raw: warnings }, format));
    });
  sub('show', 'Show a warning')
    .argument('<warning>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      session.print(await renderYaml(await client.get(path(name))));
    });
  sub('acknowledge', 'Say that somebody knows of it')
    .alias('ack')
    .argument('<warning>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('PUT', path(name), { body: { status: 'acknowledged' } });
    });
  sub('delete', 'Delete a warning; it comes back if nothing has changed')
    .alias('rm')
    .argument('[warning]')
    .option('-a, --all', 'all of them')
    .action(async (reference: string | undefined, { all }: { all?: true }) => {
      const { client, name } = await session.resolve(reference ?? '');
      const uuids = all
        ? (await client.get<readonly Warning[]>(at`warnings`, { recursion: 1 })).map(({ uuid }) => uuid)
        : [name];
      for (const uuid of uuids) await client.send('DELETE', path(uuid));
    });
};
