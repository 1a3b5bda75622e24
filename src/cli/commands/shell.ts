import type { Define } from '../command-table.ts';
import { execute } from './exec.ts';

/** LXD's client has this as an alias of exec. `su -l` gives the environment that a login has. */
export const define: Define = (command, session) => {
  command.argument('<instance>', 'where to open it').action(async (instance: string) => {
    session.exitCode = await execute(session, instance, ['su', '-l'], { cwd: '', user: 0, group: 0, mode: 'auto' });
  });
};
