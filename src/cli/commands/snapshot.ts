import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';

interface Options {
  readonly stateful?: boolean;
  readonly expiry?: boolean;
  readonly reuse?: boolean;
}

/** How LXD writes that a time is not set. */
const NEVER = '0001-01-01T00:00:00Z';

export const define: Define = (command, session) => {
  command
    .argument('<instance>', 'the instance')
    .argument('[snapshot]', 'its name; without it the server makes up one')
    .option('--stateful', 'with memory and processes, which go on meanwhile')
    .option('--no-expiry', 'keep it whatever snapshots.expiry says')
    .option('--reuse', 'replace a snapshot of that name')
    .action(async (reference: string, snapshot: string | undefined, options: Options) => {
      const { client, name } = await session.resolve(reference);
      if (options.reuse && snapshot !== undefined) {
        const path = at`instances/${name}/snapshots/${snapshot}`;
        const isThere = await client.get(path).then(
          () => true,
          error => AppError.from(error).code !== 'not-found',
        );
        if (isThere) await session.perform(client, `Deleting ${name}/${snapshot}`, () => client.send('DELETE', path));
      }
      const body = {
        name: snapshot ?? '',
        stateful: options.stateful === true,
        expires_at: options.expiry === false ? NEVER : null,
      };
      const label = `Snapshotting ${name}`;
      await session.perform(client, label, () => client.send('POST', at`instances/${name}/snapshots`, { body }));
    });
};
