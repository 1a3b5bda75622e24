import type { Instance } from '../api/instance.ts';
import { at } from '../api/path.ts';
import { isClustered } from '../api/server.ts';
import type { Define } from '../command-table.ts';
import { columnHelp, DEFAULT_COLUMNS, FAST_COLUMNS, needsState, parseColumns } from '../instance/columns.ts';
import { matchesAll } from '../instance/filter.ts';
import { splitRemote } from '../remotes/reference.ts';
import { byName, type Format, formatOption, renderList } from '../render/table.ts';

interface Options {
  readonly columns?: string;
  readonly fast?: boolean;
  readonly allProjects?: boolean;
  readonly format: Format;
}

export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:] [FILTER...] [options]')
    .argument(
      '[filter...]',
      'a remote; names or their beginnings; regular expressions; key=value (status, type, location, architecture, ipv4, ipv6, or a configuration key)',
    )
    .option('-c, --columns <columns>', `which columns, by letter or configuration key (default "${DEFAULT_COLUMNS}")`)
    .addOption(formatOption())
    .option('--fast', `only what is quick to tell (same as --columns=${FAST_COLUMNS})`)
    .option('--all-projects', 'instances of all projects')
    .addHelpText('after', `\nColumns:\n${columnHelp()}\n  KEY[:HEADER]  a configuration key, e.g. user.owner:OWNER`)
    .action(async (words: readonly string[], options: Options) => {
      const { remote, rest } = splitRemote(words, await session.remotes());
      const client = await session.client(remote);
      const wanted = options.columns ?? (options.fast ? FAST_COLUMNS : DEFAULT_COLUMNS);
      const columns = parseColumns(options.allProjects && options.columns === undefined ? `e${wanted}` : wanted);
      const raw = options.format === 'json' || options.format === 'yaml';
      const stateful = raw || needsState(columns) || rest.some(filter => /^ipv[46]=/.test(filter));
      const query = { filter: '', recursion: stateful ? 2 : 1, 'all-projects': options.allProjects };
      const [instances, clustered] = await Promise.all([
        client.get<readonly Instance[]>(at`instances`, query),
        isClustered(client),
      ]);
      const chosen = instances.filter(instance => matchesAll(instance, rest)).toSorted(byName);
      const shown =
        options.columns === undefined && !clustered ? columns.filter(column => column.key !== 'L') : columns;
      const list = { headers: shown.map(c => c.header), rows: chosen.map(i => shown.map(c => c.cell(i))), raw: chosen };
      session.print(await renderList(list, options.format));
    });
};
