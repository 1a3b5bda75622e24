import { getServer } from '../api/server.ts';
import type { Define } from '../command-table.ts';
import { VERSION } from '../version-number.ts';

export const define: Define = (command, session) => {
  command.argument('[remote:]', 'the server to ask').action(async (remote: string | undefined) => {
    session.print(`Client version: ${VERSION}`);
    try {
      const { environment } = await getServer((await session.resolve(remote ?? '')).client);
      session.print(
        `Server version: ${environment?.server_version ?? 'unknown'}${environment?.server ? ` (${environment.server})` : ''}`,
      );
    } catch {
      session.print('Server version: unreachable');
    }
  });
};
