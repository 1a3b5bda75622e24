/**
 * The only place that starts other programs: always a file and an argument list, never a shell. A started program is
 * the leader of its own session, so that ending it ends its children too. The environment is ours, not inherited:
 * what a tool does must not depend on who started the agent.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { AppError } from '../domain/errors.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const ENVIRONMENT = { PATH, LC_ALL: 'C.UTF-8', HOME: '/root' };

/** From SIGTERM to SIGKILL. */
const ESCALATE_MS = 2000;
/** Daemons may keep the pipes of the program that made them: after its exit we wait this long for silence. */
const DRAIN_MS = 200;
const STDERR_KEPT_BYTES = 64 * 1024;

/** Added for a program of ours that Node runs: where compiled sources are kept, if the agent was told (see deploy/systemd). */
export function nodeEnvironment(): Readonly<Record<string, string>> {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
}

export interface RunOptions {
  /** Default 60 s; on expiry the program is ended and the call fails with `deadline`. */
  readonly timeoutMs?: number;
  readonly input?: string | Buffer;
  /** Added to a small fixed environment (PATH, LC_ALL, HOME). */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A non-zero exit is an answer, not an error. */
  readonly allowFailure?: boolean;
  readonly signal?: AbortSignal;
  /** More output than this (default 16 MiB) ends the program: nothing we call should say so much. */
  readonly maxOutputBytes?: number;
}

export interface Outcome {
  /** 128 + n when signal n ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end and returns what it said. Throws `AppError`: `unsupported` (not installed), `deadline`,
 * `cancelled`, `exhausted` (it said the disk or quota is full), else `internal` with the last lines of its stderr.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  const limit = options.maxOutputBytes ?? 16 * 1024 * 1024;
  options.signal?.throwIfAborted();
  const running = start(file, args, options);

  let ended: AppError | undefined;
  const end = (why: AppError): void => {
    ended ??= why;
    running.end();
  };
  const timer = setTimeout(() => end(new AppError('deadline', `${file} took longer than ${timeoutMs} ms`)), timeoutMs);
  const onAbort = () => end(new AppError('cancelled', `${file} was cancelled`, options.signal?.reason));
  options.signal?.addEventListener('abort', onAbort, { once: true });

  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let stdoutBytes = 0;
  running.stdout.on('data', (chunk: Buffer) => {
    stdoutBytes += chunk.length;
    if (stdoutBytes > limit) end(new AppError('internal', `${file} said more than ${limit} bytes`));
    else stdout.push(chunk);
  });
  running.stderr.on('data', (chunk: Buffer) => keepTail(stderr, chunk));
  running.stdin.on('error', () => {}); // it may not read its input; its exit code tells what came of that
  running.stdin.end(options.input);

  try {
    const { code, signal } = await running.exited;
    await drained(running);
    const outcome = {
      code: signal === null ? code : 128 + constants.signals[signal],
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    };
    if (ended) throw ended;
    if (outcome.code !== 0 && !options.allowFailure) throw failure(file, args, outcome);
    return outcome;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default: three pipes. */
  readonly stdio?: StdioOptions;
  /** Ends the program when aborted: SIGTERM, two seconds later SIGKILL. */
  readonly signal?: AbortSignal;
  /** The program outlives us: the agent may exit without waiting for it. */
  readonly detached?: boolean;
  /** Default true. False for a program that makes its own session first thing (`setsid --ctty`). */
  readonly ownSession?: boolean;
}

export interface Exit {
  /** -1 when a signal ended it or it never started. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
}

/** A program at work. The three streams exist only where `stdio` asked for pipes; else touching them throws. */
export interface Running {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when it has exited (its pipes may hold data yet); rejects only if it could not be started. */
  readonly exited: Promise<Exit>;
  /** Signals it and its children. Harmless once it is gone. */
  kill(signal?: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL when that did not help within two seconds. */
  end(): void;
}

/** Starts a program and returns at once. What could not be started shows in `exited`. */
export function start(file: string, args: readonly string[], options: StartOptions = {}): Running {
  const child = spawn(file, args, {
    env: { ...ENVIRONMENT, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: options.stdio ?? 'pipe',
    detached: options.ownSession ?? true,
  });
  const exited = exitOf(child, file);
  exited.catch(() => {}); // whoever awaits it sees the error; nobody has to

  const kill = (signal: NodeJS.Signals = 'SIGTERM'): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      child.kill(signal); // its session is not made yet, or it is gone
    }
  };
  const end = (): void => {
    kill('SIGTERM');
    const timer = setTimeout(() => kill('SIGKILL'), ESCALATE_MS);
    child.once('exit', () => clearTimeout(timer));
  };
  if (options.signal?.aborted) end();
  options.signal?.addEventListener('abort', end, { once: true });
  child.once('exit', () => options.signal?.removeEventListener('abort', end));
  if (options.detached) child.unref();

  return {
    pid: child.pid ?? -1,
    get stdin() {
      return pipe(child.stdin, 'stdin');
    },
    get stdout() {
      return pipe(child.stdout, 'stdout');
    },
    get stderr() {
      return pipe(child.stderr, 'stderr');
    },
    exited,
    kill,
    end,
  };
}

function exitOf(child: ChildProcess, file: string): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => resolve({ code: code ?? -1, signal }));
    child.once('error', (cause: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return; // a failed kill or write; the exit tells
      const missing = cause.code === 'ENOENT';
      reject(
        new AppError(
          missing ? 'unsupported' : 'internal',
          missing ? `${file} is not installed on this host` : `${file} could not be started: ${cause.message}`,
          cause,
        ),
      );
    });
  });
}

function pipe<T>(stream: T | null, name: string): T {
  if (stream === null) throw new AppError('internal', `${name} of this program is not a pipe`);
  return stream;
}

/** Waits until both outputs ended, or were silent for `DRAIN_MS`: a daemon left behind may hold them open for ever. */
function drained(running: Running): Promise<void> {
  const open = [running.stdout, running.stderr].filter(stream => !stream.readableEnded && !stream.destroyed);
  if (open.length === 0) return Promise.resolve();
  return new Promise(resolve => {
    let left = open.length;
    const done = () => {
      clearTimeout(timer);
      for (const stream of open) stream.destroy();
      resolve();
    };
    const timer = setTimeout(done, DRAIN_MS);
    for (const stream of open) {
      stream.on('data', () => timer.refresh());
      stream.once('close', () => {
        left -= 1;
        if (left === 0) done();
      });
    }
  });
}

function keepTail(chunks: Buffer[], chunk: Buffer): void {
  chunks.push(chunk);
  let bytes = chunks.reduce((sum, each) => sum + each.length, 0);
  while (chunks.length > 1 && bytes - chunks[0]!.length >= STDERR_KEPT_BYTES) bytes -= chunks.shift()!.length;
}

function failure(file: string, args: readonly string[], outcome: Outcome): AppError {
  const said = (outcome.stderr.trim() || outcome.stdout.trim()).split('\n').slice(-5).join('\n');
  const full = /No space left on device|Disk quota exceeded/.test(said);
  const what = said === '' ? `ended with status ${outcome.code}` : said;
  return new AppError(full ? 'exhausted' : 'internal', `${file}: ${what}`, { args, code: outcome.code });
}
