import { fstatSync } from 'node:fs';
import type { Io } from '../io.ts';

/**
 * The whole of standard input if something was really sent there: a pipe or a file. A terminal, /dev/null and the idle
 * socket or open pipe of a service manager count as nothing, so that no command waits for input nobody meant.
 */
export async function readStdin(io: Io): Promise<string> {
  if (io.stdin.isTTY || !isRedirected(io)) return '';
  const chunks: Buffer[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function isRedirected(io: Io): boolean {
  const fd = (io.stdin as { fd?: number }).fd;
  if (fd === undefined) return true;
  const stat = fstatSync(fd, { throwIfNoEntry: false });
  return stat !== undefined && (stat.isFile() || stat.isFIFO());
}
