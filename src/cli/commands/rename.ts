import { AppError } from '../../domain/errors.ts';
import type { Define } from '../command-table.ts';
import { isSnapshot, newSnapshotName, pathOf } from '../instance/snapshot-path.ts';
import { parseReference } from '../remotes/reference.ts';

export const define: Define = (command, session) => {
  command
    .argument('<instance>', 'its name now; or instance/snapshot')
    .argument('<new-name>', 'its new name')
    .action(async (from: string, to: string) => {
      const remotes = await session.remotes();
      const source = await session.resolve(from);
      const target = parseReference(to.includes(':') ? to : `${source.remote}:${to}`, remotes);
      if (target.remote !== source.remote)
        throw new AppError('invalid', 'A rename stays on its server: use `berth move` for another');
      const name = isSnapshot(source.name) ? newSnapshotName(source.name, target.name) : target.name;
      await session.perform(source.client, `Renaming ${source.name}`, () =>
        source.client.send('POST', pathOf(source.name), { body: { name, migration: false } }),
      );
    });
};
