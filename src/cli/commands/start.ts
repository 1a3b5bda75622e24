import { STATUS } from '../api/instance.ts';
import type { Define } from '../command-table.ts';
import { consoleOf } from '../exec/console-of.ts';
import { chosenNames, forEachInstance, startInstance } from '../instance/change-state.ts';

export const define: Define = (command, session) => {
  command
    .argument('[instance...]', 'the instances')
    .option('--all', 'every instance that does not run')
    .option('--console', 'log in to it afterwards')
    .option('--stateless', 'forget the state that a stop --stateful has kept')
    .action(async (names: readonly string[], options: { all?: boolean; stateless?: boolean; console?: true }) => {
      const chosen = await chosenNames(session, names, options.all, i => i.status_code !== STATUS.running);
      if (options.all && chosen.length === 0) return;
      await forEachInstance(session, chosen, 'Some instances failed to start', target =>
        startInstance(session, target, options.stateless === true),
      );
      if (options.console) await consoleOf(session, chosen);
    });
};
