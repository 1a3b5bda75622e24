import { STATUS } from '../api/instance.ts';
import type { Define } from '../command-table.ts';
import { changeState, chosenNames, forEachInstance } from '../instance/change-state.ts';

export const define: Define = (command, session) => {
  command
    .argument('[instance...]', 'the instances; `berth start` lets them run on')
    .option('--all', 'every instance that runs')
    .action(async (names: readonly string[], options: { all?: boolean }) => {
      const chosen = await chosenNames(session, names, options.all, i => i.status_code === STATUS.running);
      if (options.all && chosen.length === 0) return;
      await forEachInstance(session, chosen, 'Some instances failed to pause', ({ client, name }) =>
        changeState(session, client, name, { action: 'freeze', timeout: 0 }),
      );
    });
};
