import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { consoleOf } from '../exec/console-of.ts';
import { textOf } from '../file/remote-files.ts';

interface Options {
  readonly showLog?: boolean;
  readonly type: string;
}

export const define: Define = (command, session) => {
  command
    .argument('<instance>', 'where to log in')
    .option('--show-log', 'print what the console has said')
    .option('-t, --type <type>', 'console; vga is for virtual machines only', 'console')
    .action(async (instance: string, { showLog, type }: Options) => {
      if (type !== 'console') throw new AppError('invalid', `Containers have no console of type "${type}"`);
      if (!showLog) return consoleOf(session, [instance]);
      const target = await session.resolve(instance);
      const log = await textOf(await target.client.download(at`instances/${target.name}/console`));
      session.print(`\nConsole log:\n\n${log}`);
    });
};
