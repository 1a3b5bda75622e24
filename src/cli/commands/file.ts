import { basename } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import { at } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { type PullOptions, pull } from '../file/pull.ts';
import { type PushOptions, push } from '../file/push.ts';
import { readRemote, remotePlace, textOf, writeRemote } from '../file/remote-files.ts';
import { editText } from '../input/edit.ts';
import type { Session } from '../session.ts';

export const define: Define = (command, session) => {
  const sub = (name: string, summary: string) => command.command(name).description(summary);
  sub('push', 'Push files into an instance; "-" is standard input')
    .argument('<source...>', 'files, then [REMOTE:]INSTANCE/PATH')
    .option('-r, --recursive', 'push directories and what is in them')
    .option('-p, --create-dirs', 'make the directories it lies in')
    .option('--uid <uid>', 'owner inside', wholeNumber)
    .option('--gid <gid>', 'group inside', wholeNumber)
    .option('--mode <mode>', 'permissions, like 0644', octal)
    .action(async (words: readonly string[], options: PushOptions) => {
      const [sources, target] = split(words);
      await push(session, sources, target, options);
    });
  sub('pull', 'Pull files from an instance; "-" is standard output')
    .argument('<source...>', '[REMOTE:]INSTANCE/PATH, then where to')
    .option('-r, --recursive', 'pull directories and what is in them')
    .option('-p, --create-dirs', 'make the directories it will lie in')
    .action(async (words: readonly string[], options: PullOptions) => {
      const [sources, target] = split(words);
      await pull(session, sources, target, options);
    });
  sub('delete', 'Delete files in an instance')
    .alias('rm')
    .argument('<file...>', '[REMOTE:]INSTANCE/PATH')
    .action(async (files: readonly string[]) => {
      for (const file of files) {
        const { client, name, path } = await remotePlace(session, file);
        await client.send('DELETE', at`instances/${name}/files`, { query: { path } });
      }
    });
  sub('edit', 'Edit a file of an instance in the editor, or from standard input')
    .argument('<file>', '[REMOTE:]INSTANCE/PATH')
    .action((file: string) => edit(session, file));
};

async function edit(session: Session, file: string): Promise<void> {
  const place = await remotePlace(session, file);
  const after = await editText(session, basename(place.path), async () => {
    const { type, body } = await readRemote(place, place.path);
    const before = await textOf(body);
    if (type !== 'file') throw new AppError('invalid', `${place.path} is a ${type}, not a file`);
    return before;
  });
  if (after !== undefined) await writeRemote(place, place.path, 'file', after);
}

/** The last word is where to. */
function split(words: readonly string[]): readonly [sources: readonly string[], target: string] {
  if (words.length < 2) throw new AppError('invalid', 'Give at least one source, and a target');
  return [words.slice(0, -1), words.at(-1)!];
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new AppError('invalid', `"${text}" is not a number`);
  return Number(text);
}

function octal(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new AppError('invalid', `--mode "${text}" is not an octal number like 0644`);
  return Number.parseInt(text, 8);
}
