import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { runConsole } from '../exec/run-command.ts';
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
      const target = await session.resolve(instance);
      if (!showLog) {
        session.note('To detach from the console, press: <ctrl>+a q');
        return runConsole(session.io, target);
      }
      const log = await textOf(await target.client.download(at`instances/${target.name}/console`));
      session.print(`\nConsole log:\n\n${log}`);
    });
};
