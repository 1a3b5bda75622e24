import { Argument } from 'commander';
import type { Define } from '../command-table.ts';
import { SCRIPTS } from '../completion/scripts.ts';

export const define: Define = (command, session) => {
  command
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      '\nFor this session:  source <(berth completion bash)\nFor good:          berth completion bash > /etc/bash_completion.d/berth',
    )
    .action((shell: keyof typeof SCRIPTS) => session.print(SCRIPTS[shell]));
};
