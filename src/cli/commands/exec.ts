import { Option } from 'commander';
import { AppError } from '../../domain/errors.ts';
import type { Define } from '../command-table.ts';
import { runCommand } from '../exec/run-command.ts';
import { collect, parseKeyValues } from '../input/key-value.ts';
import type { Session } from '../session.ts';

export interface ExecOptions {
  readonly cwd: string;
  readonly env?: readonly string[];
  readonly user: number;
  readonly group: number;
  readonly disableStdin?: boolean;
  readonly forceInteractive?: boolean;
  readonly forceNoninteractive?: boolean;
  readonly mode: 'auto' | 'interactive' | 'non-interactive';
}

export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:]INSTANCE [options] [--] COMMAND [ARGUMENT...]')
    .argument('<instance>', 'where to run it')
    .argument('<command...>', 'what to run; put -- before it if it has options')
    .option('--cwd <folder>', 'folder to run it in', '')
    .option('--env <key=value>', 'environment variable (repeatable)', collect)
    .option('--user <uid>', 'user to run it as', Number, 0)
    .option('--group <gid>', 'group to run it as', Number, 0)
    .option('-n, --disable-stdin', 'give it no input')
    .option('-t, --force-interactive', 'give it a terminal')
    .option('-T, --force-noninteractive', 'give it no terminal')
    .addOption(
      new Option('--mode <mode>', 'terminal or not; auto: if both input and output are one')
        .choices(['auto', 'interactive', 'non-interactive'])
        .default('auto'),
    )
    .addHelpText('after', '\nThere is no shell between: berth exec c1 -- sh -c "cd /tmp && pwd"')
    .action(async (instance: string, words: readonly string[], options: ExecOptions) => {
      session.exitCode = await execute(session, instance, words, options);
    });
};

/** Resolves with the command's exit code. */
export async function execute(
  session: Session,
  instance: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<number> {
  const { io } = session;
  if (options.forceInteractive && options.forceNoninteractive)
    throw new AppError('invalid', "You can't pass -t and -T at the same time");
  const term = io.env.TERM;
  return runCommand(io, await session.resolve(instance), {
    command,
    environment: { ...(term ? { TERM: term } : {}), ...parseKeyValues(options.env ?? []) },
    interactive: isInteractive(options, io.stdin.isTTY === true && io.stdout.isTTY === true),
    cwd: options.cwd,
    user: options.user,
    group: options.group,
    noInput: options.disableStdin === true,
  });
}

/** Pure. */
export function isInteractive(
  options: Pick<ExecOptions, 'forceInteractive' | 'forceNoninteractive' | 'mode' | 'disableStdin'>,
  terminals: boolean,
): boolean {
  if (options.forceInteractive || options.mode === 'interactive') return true;
  if (options.forceNoninteractive || options.mode === 'non-interactive' || options.disableStdin) return false;
  return terminals;
}
