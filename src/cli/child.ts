import { spawn, spawnSync } from 'node:child_process';
import { AppError } from '../domain/errors.ts';

/** Runs a program on this terminal, by argument list, and resolves with its exit code (128 + n after a signal). */
export async function runChild(program: string, words: readonly string[]): Promise<number> {
  const { constants } = await import('node:os');
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: 'inherit' });
    child.once('error', error => reject(new AppError('not-found', `cannot run ${program}: ${error.message}`, error)));
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  });
}

/** Runs stty on the terminal of this process; undefined if that failed, else what it printed. */
export function stty(words: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('stty', words, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}
