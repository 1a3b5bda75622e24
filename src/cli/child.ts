import { spawn } from 'node:child_process';
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
