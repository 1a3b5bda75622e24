import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { changeMember } from '../groups/evacuate.ts';
import { isSnapshot } from '../instance/snapshot-path.ts';

interface Options {
  readonly stateful?: boolean;
  readonly force?: boolean;
}

/** LXD's word for both: with a snapshot it is an instance that is put back, without one a host. */
export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:]INSTANCE SNAPSHOT [--stateful], or [REMOTE:]HOST [--force]')
    .argument('<instance>', 'the instance; or the host that was evacuated')
    .argument('[snapshot]', 'the snapshot')
    .option('--stateful', 'with the memory and processes of the snapshot')
    .option('-f, --force', 'a host: do not ask')
    .action(async (reference: string, snapshot: string | undefined, options: Options) => {
      if (snapshot === undefined && !isSnapshot(reference))
        return changeMember(session, reference, 'restore', '', options.force === true);
      const { client, name } = await session.resolve(reference);
      const [instance = '', inName = ''] = name.split('/', 2);
      const body = { restore: snapshot ?? inName, stateful: options.stateful === true };
      await session.perform(client, `Restoring ${instance}`, () =>
        client.send('PUT', at`instances/${instance}`, { body }),
      );
    });
};
