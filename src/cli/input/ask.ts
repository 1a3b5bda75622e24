import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { type Readable, Writable } from 'node:stream';
import { AppError } from '../../domain/errors.ts';
import type { Io } from '../io.ts';

/** One line from the user, trimmed. Input that ends before it counts as a refusal. */
export function ask(io: Io, question: string): Promise<string> {
  return readLine(io, question, io.stdout);
}

/** As ask, and what is typed is not shown. */
export async function askSecret(io: Io, question: string): Promise<string> {
  io.stdout.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await readLine(io, '', nowhere);
  } finally {
    io.stdout.write('\n');
  }
}

/** yes or no; an empty answer is the default. */
export async function confirm(io: Io, question: string, otherwise: boolean): Promise<boolean> {
  for (;;) {
    const answer = (await ask(io, `${question} (yes/no) [default=${otherwise ? 'yes' : 'no'}]: `)).toLowerCase();
    if (answer === '') return otherwise;
    if (['yes', 'y'].includes(answer)) return true;
    if (['no', 'n'].includes(answer)) return false;
  }
}

async function readLine(io: Io, question: string, output: NodeJS.WritableStream): Promise<string> {
  if (!io.stdin.isTTY) {
    output.write(question);
    return (await nextLine(io.stdin)).trim();
  }
  const lines = createInterface({ input: io.stdin, output, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('close', () => reject(noAnswer()));
      lines.once('SIGINT', () => lines.close());
      lines.question(question).then(answer => resolve(answer.trim()), reject);
    });
  } finally {
    lines.close();
  }
}

/** Takes one line and leaves the rest in the stream, for the next question or for the command that reads it all. */
async function nextLine(stream: Readable): Promise<string> {
  let line = Buffer.alloc(0);
  for (;;) {
    const chunk: Buffer | string | null = stream.read();
    if (chunk === null) {
      if (stream.readableEnded || stream.destroyed) throw noAnswer();
      await Promise.race([once(stream, 'readable'), once(stream, 'end')]);
      continue;
    }
    line = Buffer.concat([line, Buffer.from(chunk as Buffer)]);
    const newline = line.indexOf(10);
    if (newline === -1) continue;
    if (newline + 1 < line.length) stream.unshift(line.subarray(newline + 1));
    return line.toString('utf8', 0, newline);
  }
}

function noAnswer(): AppError {
  return new AppError('cancelled', 'No answer: this needs a terminal, or the option that answers it');
}
