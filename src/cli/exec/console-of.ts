import { AppError } from '../../domain/errors.ts';
import type { Session } from '../session.ts';
import { runConsole } from './run-command.ts';

/** For `--console`: one instance, for there is one terminal. */
export async function consoleOf(session: Session, names: readonly string[]): Promise<void> {
  if (names.length !== 1) throw new AppError('invalid', '--console works with one instance only');
  session.note('To detach from the console, press: <ctrl>+a q');
  await runConsole(session.io, await session.resolve(names[0]!));
}
