import { fstatSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Io } from '../io.ts';

/** How long a socket may be silent until it counts as nobody's: a parent that never meant to write. */
const SILENT_MS = 100;

/** The whole of standard input; '' from a terminal. For commands that were told to read it. */
export async function readStdin(io: Io): Promise<string> {
  if (io.stdin.isTTY) return '';
  const chunks: Buffer[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * As readStdin, for commands that only read what may be there: a terminal or /dev/null is nothing, a file or a pipe is
 * meant, and a socket (what many programs give their children) is meant if it speaks.
 */
export async function readOptionalStdin(io: Io): Promise<string> {
  const kind = stdinKind(io);
  if (kind === 'nothing') return '';
  if (kind === 'socket' && !(await speaks(io))) return '';
  return readStdin(io);
}

function stdinKind(io: Io): 'meant' | 'socket' | 'nothing' {
  const fd = (io.stdin as { fd?: number }).fd;
  if (io.stdin.isTTY) return 'nothing';
  if (fd === undefined) return 'meant';
  const stat = fstatSync(fd);
  if (stat.isSocket()) return 'socket';
  return stat.isFile() || stat.isFIFO() ? 'meant' : 'nothing';
}

async function speaks({ stdin }: Io): Promise<boolean> {
  const heard = new Promise<true>(resolve => {
    stdin.once('readable', () => resolve(true));
    stdin.once('end', () => resolve(true));
  });
  return Promise.race([heard, wait(SILENT_MS, false)]);
}
