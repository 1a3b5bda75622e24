import type { Define } from '../command-table.ts';
import { expectedAt } from '../completion/expected.ts';
import { namesFor } from '../completion/names.ts';
import { buildProgram } from '../run.ts';

/** Prints one candidate a line. A server that does not answer leaves the user to type on: no error is shown. */
export const define: Define = (command, session) => {
  command.argument('[words...]').action(async (words: readonly string[]) => {
    const current = words.at(-1) ?? '';
    const expected = expectedAt(await buildProgram(words, session), words);
    const candidates =
      expected.kind === 'words' ? expected.words : await namesFor(session, expected.noun, current).catch(() => []);
    const fitting = candidates.filter(candidate => candidate.startsWith(current));
    if (fitting.length > 0) session.print(fitting.join('\n'));
  });
};
