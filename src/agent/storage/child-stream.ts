/** Programs as the source or the sink of a stream of any length, with back-pressure, and with their errors. */
import { once } from 'node:events';
import { AppError } from '../../domain/errors.ts';
import { ByteWriter } from '../../rpc/data/byte-writer.ts';
import { type Running, start } from '../command.ts';
import type { CommandLine } from './id-map.ts';

export interface StreamOptions {
  readonly cwd?: string;
  /** What the program reads; for `output` only. */
  readonly input?: string | Buffer;
  /** Descriptor that becomes its standard input instead; the caller closes it. */
  readonly stdin?: number;
  /** Descriptor that becomes its standard output, for `feed`; default: what it writes is thrown away. */
  readonly stdout?: number;
  /** Is this ending a success? Default: status 0. */
  readonly accepts?: (code: number, stderr: string) => boolean;
}

/** A line for each of ten thousand files; who says more than that is cut short, and `accepts` sees that. */
const STDERR_KEPT = 1024 * 1024;

/** What the program writes. Throws at the end if it failed; ends the program if nobody reads on. */
export async function* output([file, args]: CommandLine, options: StreamOptions = {}): AsyncGenerator<Buffer> {
  const { cwd, input, stdin = 'pipe' } = options;
  const running = start(file, args, { ...(cwd === undefined ? {} : { cwd }), stdio: [stdin, 'pipe', 'pipe'] });
  const ended = outcome(running, file, options);
  ended.catch(() => {});
  if (stdin === 'pipe') {
    running.stdin.on('error', () => {});
    running.stdin.end(input);
  }
  try {
    for await (const chunk of running.stdout) yield chunk;
    await ended;
  } finally {
    running.kill('SIGKILL'); // does nothing if it is gone
  }
}

/** Gives the program all of `body` to read and waits for its end. Returns the bytes it was given. */
export async function feed([file, args]: CommandLine, body: AsyncIterable<Buffer>, options: StreamOptions = {}) {
  const { cwd, stdout = 'ignore' } = options;
  const running = start(file, args, { ...(cwd === undefined ? {} : { cwd }), stdio: ['pipe', stdout, 'pipe'] });
  const ended = outcome(running, file, options);
  ended.catch(() => {});
  running.stdin.on('error', () => {}); // met by the writer
  const writer = new ByteWriter(running.stdin);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      await writer.write(chunk);
    }
    running.stdin.end();
  } catch (error) {
    if (running.stdin.writable) throw error; // the body failed
    await ended; // the program did not want more; it says why, or was content
  } finally {
    if (running.stdin.writable) running.kill('SIGKILL');
  }
  await ended;
  return bytes;
}

async function outcome(running: Running, file: string, { accepts = code => code === 0 }: StreamOptions): Promise<void> {
  let stderr = '';
  running.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length > STDERR_KEPT) return;
    stderr += chunk.toString();
    if (stderr.length > STDERR_KEPT) stderr += '\n(it said more)';
  });
  const said = once(running.stderr, 'close');
  const { code, signal } = await running.exited;
  await said;
  if (accepts(code, stderr)) return;
  const full = /No space left on device|Disk quota exceeded/.test(stderr);
  const what = stderr.trim().split('\n').slice(-5).join('\n') || (signal ?? `status ${code}`);
  throw new AppError(full ? 'exhausted' : 'internal', `${file}: ${what}`);
}
