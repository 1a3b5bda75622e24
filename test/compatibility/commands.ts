/** Every command of `lxc` against the tree of `berth`: the words, the other words and the flags; and which tests run it with the real `lxc`. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { buildProgram } from '../../src/cli/run.ts';
import { Session } from '../../src/cli/session.ts';
import { fakeIo } from '../../src/cli/testing/fake-server.ts';
import { type LxcCommand, readCommands } from './facts.ts';
import type { Finding } from './verdict.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export async function findCommands(): Promise<readonly Finding[]> {
  const session = new Session(fakeIo().io);
  const trees = new Map<string, Command>();
  for (const { name, aliases = [] } of COMMANDS) {
    const program = await buildProgram([name], session);
    for (const word of [name, ...aliases]) trees.set(word, program.commands.find(each => each.name() === name)!);
  }
  return Object.entries(readCommands()).map(([line, command]) => {
    const found = descend(trees, line.split(' '));
    if (found === undefined) return { name: line, there: false };
    return { name: line, there: true, said: missingOf(found, command) };
  });
}

function descend(trees: ReadonlyMap<string, Command>, [first, ...rest]: readonly string[]): Command | undefined {
  let command = trees.get(first!);
  for (const word of rest) command = command?.commands.find(sub => sub.name() === word || sub.aliases().includes(word));
  return command;
}

function missingOf(command: Command, { flags, aliases }: LxcCommand): string {
  const options = new Set(command.options.flatMap(({ long, short }) => [long, short]));
  const names = new Set([command.name(), ...command.aliases()]);
  const missing = [
    ...flags.flatMap(flag => flag.split(' ')).filter(flag => !options.has(flag)),
    ...aliases.filter(alias => !names.has(alias)).map(alias => `the name ${alias}`),
  ];
  return missing.length === 0 ? '' : `lacks ${missing.join(', ')}`;
}

/** Test files in which the words of a command follow each other as arguments of `lxc`, by command. */
export function findTests(): ReadonlyMap<string, readonly string[]> {
  const files = globSync('test/{e2e,compare}/**/*.real.test.ts', { cwd: ROOT }).sort();
  const sources = files.map(file => ({
    file: file.replace(/^.*\/|\.real\.test\.ts$/g, ''),
    text: readFileSync(join(ROOT, file), 'utf8').replace(/\s+/g, ' '),
  }));
  return new Map(
    Object.entries(readCommands()).map(([line, { aliases }]) => {
      const words = line.split(' ');
      const last = [words.at(-1)!, ...aliases].join('|');
      const list = [...words.slice(0, -1), `(?:${last})`].map(word => `'${word}'`).join(', ?');
      // Called as lxc('a', 'b') or lxc(['a', 'b']), also under names that end in Lxc or are a remote's.
      const call = new RegExp(`(?:[lL]xc|remote|client)\\w*\\( ?\\[? ?${list}|'lxc', \\[ ?${list}`);
      const line_ = new RegExp(`lxc\\w*\`(?:[^\`]*\\n)*${words.join(' ')}\\b|[\`']lxc ${words.join(' ')}\\b`);
      // As one line, as it is typed: lxc('a b'); also by helpers that write the first words or the last.
      const typed = new RegExp(
        [
          `(?:lxc|fails)\\( ?[\`']${words
            .slice(0, -1)
            .map(word => `${word} `)
            .join('')}(?:${last})\\b`,
          ...(line.startsWith('storage volume ') ? [`volume\\( ?[\`'](?:${last})\\b`] : []),
          ...(line.endsWith(' edit') ? [`edit\\( ?'${line.slice(0, -5)}',`] : []),
        ].join('|'),
      );
      const runs = ({ text }: { readonly text: string }) => [call, line_, typed].some(each => each.test(text));
      return [line, sources.filter(runs).map(({ file }) => file)];
    }),
  );
}
