import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import type { Fields } from '../api/update.ts';
import { runChild } from '../child.ts';
import { parseYaml, renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';
import { readStdin } from './stdin.ts';

/**
 * Lets the user change something as YAML: in the editor, or from standard input. What cannot be read or applied comes
 * back into the editor with the reason, so that nothing typed is lost.
 */
export async function editYaml(
  session: Session,
  before: unknown,
  help: string,
  apply: (edited: Fields) => Promise<void>,
): Promise<void> {
  const piped = await readStdin(session.io);
  if (piped !== '') return apply(requireMap(await parseYaml(piped)));
  if (!session.io.stdin.isTTY)
    throw new AppError('invalid', 'There is no terminal for an editor: give the YAML on standard input');
  await inFile('edit.yaml', async file => {
    const original = `${comment(help)}${await renderYaml(before)}\n`;
    await writeFile(file, original, { mode: 0o600 });
    await editUntilApplied(session, file, original, apply);
  });
}

/**
 * Lets the user change a file as it is: in the editor, or what comes on standard input replaces it.
 * @param name of the file, for the editor @param read is not called when standard input brings it
 * @returns what it has become; undefined when nothing was changed
 */
export async function editText(
  session: Session,
  name: string,
  read: () => Promise<string>,
): Promise<Buffer | undefined> {
  const { io } = session;
  if (!io.stdin.isTTY) return Buffer.from(await readStdin(io));
  const before = await read();
  return inFile(name, async file => {
    await writeFile(file, before, { mode: 0o600 });
    await runEditor(session, file);
    const after = await readFile(file);
    return after.equals(Buffer.from(before)) ? undefined : after;
  });
}

async function inFile<T>(name: string, work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-edit-'));
  try {
    return await work(join(folder, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runEditor({ io: { env } }: Session, file: string): Promise<void> {
  const [editor = 'vi', ...words] = (env.VISUAL || env.EDITOR || 'vi').split(/\s+/);
  const code = await runChild(editor, [...words, file]);
  if (code !== 0) throw new AppError('cancelled', `The editor ${editor} ended with code ${code}; nothing was changed`);
}

async function editUntilApplied(
  session: Session,
  file: string,
  original: string,
  apply: (edited: Fields) => Promise<void>,
): Promise<void> {
  for (;;) {
    await runEditor(session, file);
    const text = await readFile(file, 'utf8');
    if (text === original) return;
    try {
      return await apply(requireMap(await parseYaml(text)));
    } catch (error) {
      session.note(`Error: ${AppError.from(error).message}`);
      const { ask } = await import('./ask.ts');
      await ask(session.io, 'Press enter to edit again, or Ctrl-C to give up: ');
    }
  }
}

function requireMap(document: unknown): Fields {
  if (typeof document === 'object' && document !== null && !Array.isArray(document)) return document as Fields;
  throw new AppError('invalid', 'expected YAML with one "key: value" a line');
}

function comment(help: string): string {
  return help === '' ? '' : `${help.replace(/^/gm, '### ')}\n`;
}
