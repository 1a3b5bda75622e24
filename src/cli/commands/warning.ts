import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
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

export const define: Define = (command, session) => {
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  const path = (uuid: string) => at`warnings/${uuid}`;
  sub('list', 'List what is wrong')
    .alias('ls')
    .argument('[remote:]')
    .option('-a, --all', 'also what is acknowledged or over')
    .addOption(formatOption())
    .action(async (remote: string | undefined, { all, format }: { all?: true; format: Format }) => {
      const { client } = await session.resolve(remote ?? '');
      const found = await client.get<readonly Warning[]>(at`warnings`, { recursion: 1 });
      const warnings = found.filter(({ status }) => all || status === 'new');
      const rows = warnings.map(w => [
        w.uuid,
        w.type,
        w.status.toUpperCase(),
        w.severity.toUpperCase(),
        String(w.count),
        w.project,
        w.location,
        dateTime(w.last_seen_at) ?? '',
      ]);
      const headers = ['UUID', 'TYPE', 'STATUS', 'SEVERITY', 'COUNT', 'PROJECT', 'LOCATION', 'LAST SEEN'];
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
