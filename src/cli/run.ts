import { Command, CommanderError } from 'commander';
import { AppError } from '../domain/errors.ts';
import { COMMANDS, findCommand } from './command-table.ts';
import { type Io, print } from './io.ts';
import { expandOwnWord } from './remotes/own-words.ts';
import { type GlobalFlags, Session } from './session.ts';
import { VERSION } from './version-number.ts';

/** Runs one command line (without the program's name) and resolves with the exit code. Never throws. */
export async function run(words: readonly string[], io: Io): Promise<number> {
  const session = new Session(io);
  try {
    const line = await withOwnWord(words, session);
    const program = await buildProgram(line, session);
    await program.parseAsync(line as string[], { from: 'user' });
    return session.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    print(io.stderr, `Error: ${AppError.from(error).message}`);
    if (session.flags.debug && error instanceof Error) print(io.stderr, error.stack ?? '');
    return 1;
  } finally {
    await session.close();
  }
}

/** The file of own words is read only for a word that is no command. */
async function withOwnWord(words: readonly string[], session: Session): Promise<readonly string[]> {
  const first = words[0];
  if (first === undefined || first.startsWith('-') || first === 'help' || findCommand(first) !== undefined)
    return words;
  return expandOwnWord(words, (await session.remotes()).aliases ?? {});
}

/** The whole tree of names, with the typed command filled in. */
export async function buildProgram(words: readonly string[], session: Session): Promise<Command> {
  const { io } = session;
  const program = new Command('berth')
    .description('System containers on many hosts as if they were one machine, moved between hosts while they run.')
    .usage('COMMAND [ARGUMENT...] [--project NAME] [--quiet] [--debug]')
    .option('--project <name>', 'work in this project instead of the current one')
    .option('-q, --quiet', 'show no progress')
    .option('--debug', 'show every request and answer')
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: text => io.stdout.write(text),
      writeErr: text => io.stderr.write(text.replace(/^error: /, 'Error: ')),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .exitOverride()
    .showSuggestionAfterError()
    .version(VERSION, '--version', 'print the version');
  program.hook('preAction', () => {
    const { project, quiet, debug } = program.opts<Partial<GlobalFlags>>();
    session.flags = { ...(project === undefined ? {} : { project }), quiet: quiet === true, debug: debug === true };
  });
  const typed = findCommand(typedCommand(words));
  for (const entry of COMMANDS) {
    const command = program.command(entry.name, { hidden: entry.hidden === true }).summary(entry.summary);
    command
      .description(entry.summary)
      .aliases([...(entry.aliases ?? [])])
      .helpGroup(entry.group);
    if (entry === typed) (await entry.load()).define(command, session);
  }
  return program;
}

/** The first word that is no option: `berth --project p list` and `berth help list` are about list. */
export function typedCommand(words: readonly string[]): string | undefined {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--project') i++;
    else if (!word.startsWith('-') && word !== 'help') return word;
  }
  return undefined;
}
