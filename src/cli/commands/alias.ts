import type { Define } from '../command-table.ts';
import { addOwnWord, type OwnWords, removeOwnWord } from '../remotes/own-words.ts';
import { type Format, formatOption, renderList } from '../render/table.ts';

export const define: Define = (command, session) => {
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  const own = async (): Promise<OwnWords> => (await session.remotes()).aliases ?? {};
  const save = async (aliases: OwnWords) => session.saveRemotes({ ...(await session.remotes()), aliases });
  sub('add', 'Make a word stand for others; what is typed after it follows, or stands where @ARGS@ is')
    .argument('<alias>')
    .argument('<target>')
    .action(async (name: string, target: string) => save(addOwnWord(await own(), name, target)));
  sub('list', 'List your own words')
    .alias('ls')
    .addOption(formatOption())
    .action(async ({ format }: { format: Format }) => {
      const rows = Object.entries(await own()).toSorted(([a], [b]) => (a < b ? -1 : 1));
      session.print(await renderList({ headers: ['ALIAS', 'TARGET'], rows, raw: await own() }, format));
    });
  sub('rename', 'Call an own word otherwise')
    .alias('mv')
    .argument('<alias>')
    .argument('<new-name>')
    .action(async (from: string, to: string) => {
      const before = await own();
      const rest = removeOwnWord(before, from);
      await save(addOwnWord(rest, to, before[from]!));
    });
  sub('remove', 'Forget an own word')
    .alias('rm')
    .argument('<alias>')
    .action(async (name: string) => save(removeOwnWord(await own(), name)));
};
