import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { parseReference } from '../remotes/reference.ts';
import { getRemote, setRemoteProject } from '../remotes/remote.ts';
import { byName, type Format, formatOption, renderList } from '../render/table.ts';

interface Project {
  readonly name: string;
  readonly description?: string;
  readonly config?: Readonly<Record<string, string>> | null;
  readonly used_by?: readonly string[] | null;
}

/** What a project may have of its own, in LXD's order. */
const FEATURES = ['images', 'profiles', 'storage.volumes', 'networks'] as const;

export const define: Define = (command, session) => {
  command
    .command('list')
    .alias('ls')
    .description('List projects')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (reference: string | undefined, { format }: { format: Format }) => {
      const { client, remote } = await session.resolve(reference ?? '');
      const current = session.flags.project ?? getRemote(await session.remotes(), remote).project ?? 'default';
      const projects = (await client.get<readonly Project[]>(at`projects`, { recursion: 1 })).toSorted(byName);
      const headers = [
        'NAME',
        ...FEATURES.map(feature => feature.replace('.', ' ').toUpperCase()),
        'DESCRIPTION',
        'USED BY',
      ];
      const rows = projects.map(p => [
        p.name === current ? `${p.name} (current)` : p.name,
        ...FEATURES.map(feature => (p.config?.[`features.${feature}`] === 'true' ? 'YES' : 'NO')),
        p.description ?? '',
        String(p.used_by?.length ?? 0),
      ]);
      session.print(await renderList({ headers, rows, raw: projects }, format));
    });
  command
    .command('switch')
    .description('Work in another project from now on')
    .argument('<project>')
    .action(async (reference: string) => {
      const remotes = await session.remotes();
      const { remote, name } = parseReference(reference, remotes);
      await (await session.client(remote)).get(at`projects/${name}`);
      await session.saveRemotes(setRemoteProject(remotes, remote, name));
    });
};
