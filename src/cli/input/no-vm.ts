import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';

/** Takes lxc's `--vm`, only to say why it cannot be. */
export function withoutVms(command: Command): Command {
  return command.option('--vm', 'a virtual machine; there are none here').hook('preAction', (_, acting) => {
    if (acting.opts<{ vm?: true }>().vm)
      throw new AppError('unsupported', 'There are no virtual machines here, only containers: leave out --vm');
  });
}
