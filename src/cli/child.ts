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

interface Watched {
  readonly env: Readonly<Record<string, string>>;
  /** Each line of its output and complaints, as it comes. */
  readonly onLine: (line: string) => void;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a program to its end, without input and apart from this terminal.
 * @throws AppError `unavailable` with its last lines if it fails, `unsupported` if it is missing, `cancelled`
 */
export async function runWatched(program: string, words: readonly string[], watched: Watched): Promise<void> {
  const { env, onLine, signal } = watched;
  const { createInterface } = await import('node:readline');
  if (signal?.aborted) throw new AppError('cancelled', 'Interrupted');
  const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  const last: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', line => {
      last.splice(0, last.length - LINES_KEPT + 1);
      last.push(line);
      onLine(line);
    });
  }
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', error =>
        reject(new AppError('unsupported', `cannot run ${program}: ${error.message}`, error)),
      );
      child.once('close', status => resolve(status ?? 1));
    });
    if (signal?.aborted) throw new AppError('cancelled', 'Interrupted');
    if (code !== 0) throw new AppError('unavailable', last.join('\n') || `${program} failed without a word`);
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

const LINES_KEPT = 5;

/** Runs stty on the terminal of this process; undefined if that failed, else what it printed. */
export function stty(words: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('stty', words, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}
