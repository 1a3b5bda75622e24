import { STATUS } from '../api/instance.ts';
import type { Define } from '../command-table.ts';
import { consoleOf } from '../exec/console-of.ts';
import { parseSeconds } from '../input/seconds.ts';
import { changeState, chosenNames, forEachInstance } from '../instance/change-state.ts';

interface Options {
  readonly all?: boolean;
  readonly console?: true;
  readonly force?: boolean;
  readonly timeout: number;
}

export const define: Define = (command, session) => {
  command
    .argument('[instance...]', 'the instances')
    .option('--all', 'every instance that runs')
    .option('--console', 'log in to it afterwards')
    .option('-f, --force', 'at once, without asking it to shut down')
    .option('--timeout <seconds>', 'how long to wait for a clean shutdown', parseSeconds, -1)
    .action(async (names: readonly string[], { all, console, ...options }: Options) => {
      const chosen = await chosenNames(session, names, all, i => i.status_code === STATUS.running);
      if (all && chosen.length === 0) return;
      await forEachInstance(session, chosen, 'Some instances failed to restart', ({ client, name }) =>
        changeState(session, client, name, { action: 'restart', ...options }),
      );
      if (console) await consoleOf(session, chosen);
    });
};
