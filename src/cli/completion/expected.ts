import type { Argument, Command, Option } from 'commander';

/** What may stand at the end of a command line: fixed words, the names of some kind of thing, or a file. */
export type Expected =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'names'; readonly noun: string };

/**
 * Pure. `words` is the line without the program's name; the last one, perhaps empty, is being typed. The commands
 * themselves are the only source: an argument is completed by what it is called, an option by what its value is called.
 */
export function expectedAt(program: Command, words: readonly string[]): Expected {
  const typed = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  let command = program;
  let position = 0;
  let pending: Option | undefined;
  let onlyWords = false;
  for (const word of typed) {
    if (pending !== undefined) pending = undefined;
    else if (!onlyWords && word === '--') onlyWords = true;
    else if (!onlyWords && word.startsWith('-')) pending = valueOption([command, program], word);
    else {
      const sub = subcommand(command, word);
      if (sub === undefined) position++;
      else command = sub;
    }
  }
  if (pending !== undefined) return ofOption(pending);
  if (current.startsWith('-') && !onlyWords) return { kind: 'words', words: optionNames([command, program]) };
  if (command.commands.length > 0) return { kind: 'words', words: visibleNames(command) };
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[position] ?? (last?.variadic ? last : undefined);
  return argument === undefined ? NOTHING : ofArgument(argument);
}

const NOTHING: Expected = { kind: 'words', words: [] };

function subcommand(command: Command, word: string): Command | undefined {
  return command.commands.find(sub => sub.name() === word || sub.aliases().includes(word));
}

/** The option a word names, if its value is the next word. */
function valueOption(commands: readonly Command[], word: string): Option | undefined {
  const option = commands.flatMap(c => c.options).find(o => o.long === word || o.short === word);
  return option !== undefined && !option.isBoolean() && !option.negate ? option : undefined;
}

function ofOption(option: Option): Expected {
  if (option.argChoices !== undefined) return { kind: 'words', words: option.argChoices };
  return { kind: 'names', noun: /<([a-z-]+)>/.exec(option.flags)?.[1] ?? '' };
}

function ofArgument(argument: Argument): Expected {
  return argument.argChoices === undefined
    ? { kind: 'names', noun: argument.name() }
    : { kind: 'words', words: argument.argChoices };
}

function optionNames(commands: readonly Command[]): readonly string[] {
  return [...new Set(commands.flatMap(c => c.options.filter(o => !o.hidden).map(o => o.long ?? o.short ?? '')))].concat(
    '--help',
  );
}

function visibleNames(command: Command): readonly string[] {
  return command.commands.map(sub => sub.name()).filter(name => !name.startsWith('_'));
}
