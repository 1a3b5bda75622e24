import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { parseReference } from '../remotes/reference.ts';

export const define: Define = (command, session) => {
  command
    .argument('<instance>', 'its name now')
    .argument('<new-name>', 'its new name')
    .action(async (from: string, to: string) => {
      const remotes = await session.remotes();
      const source = await session.resolve(from);
      const target = parseReference(to.includes(':') ? to : `${source.remote}:${to}`, remotes);
      if (target.remote !== source.remote)
        throw new AppError('invalid', 'A rename stays on its server: use `berth move` for another');
      await session.perform(source.client, `Renaming ${source.name}`, () =>
        source.client.send('POST', at`instances/${source.name}`, { body: { name: target.name, migration: false } }),
      );
    });
};
