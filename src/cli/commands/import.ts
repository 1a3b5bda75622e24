import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AppError } from '../../domain/errors.ts';
import { at, lastSegment } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { parseReference } from '../remotes/reference.ts';

export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:] FILE [NAME] [options]')
    .argument(
      '<words...>',
      'the server, if it is another one; the archive; the name of the instance, if it is another one',
    )
    .option('-s, --storage <pool>', 'storage pool of the instance')
    .action(async (words: readonly string[], options: { readonly storage?: string }) => {
      const [first = '', ...others] = words;
      const [where, file, name, ...more] = first.endsWith(':') ? [first, ...others] : ['', first, ...others];
      if (file === undefined || more.length > 0) throw new AppError('invalid', 'Give the archive, and perhaps a name');
      const isFile = await stat(file).then(
        found => found.isFile(),
        () => false,
      );
      if (!isFile) throw new AppError('invalid', `There is no file ${file}`);
      const { remote } = parseReference(where ?? '', await session.remotes());
      const client = await session.client(remote);
      const headers = {
        'Content-Type': 'application/octet-stream',
        ...(name === undefined ? {} : { 'X-LXD-name': name }),
        ...(options.storage === undefined ? {} : { 'X-LXD-pool': options.storage }),
      };
      const operation = await session.perform(client, `Importing ${file}`, () =>
        client.send('POST', at`instances`, { stream: createReadStream(file), headers }),
      );
      const made = operation?.resources?.instances?.[0] ?? operation?.resources?.containers?.[0];
      if (made !== undefined) session.print(`Instance name is: ${lastSegment(made)}`);
    });
};
