import { createInterface } from 'node:readline/promises';
import { AppError } from '../domain/errors.ts';
import type { Io } from './io.ts';

/** One line from the user, trimmed. Input that ends counts as a refusal. */
export async function ask(io: Io, question: string): Promise<string> {
  const lines = createInterface({ input: io.stdin, output: io.stdout, terminal: io.stdin.isTTY === true });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('close', () => reject(new AppError('cancelled', 'no answer')));
      lines.question(question).then(answer => resolve(answer.trim()), reject);
    });
  } finally {
    lines.close();
  }
}
