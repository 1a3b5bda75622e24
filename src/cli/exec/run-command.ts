import { Readable, type Writable } from 'node:stream';
import { AppError } from '../../domain/errors.ts';
import type { Client } from '../api/client.ts';
import type { Answer } from '../api/envelope.ts';
import { type Operation, succeeded, untilFinal } from '../api/operation.ts';
import { at } from '../api/path.ts';
import { openWebSocket, type WebSocket } from '../api/websocket.ts';
import { type Io, print } from '../io.ts';
import type { Target } from '../session.ts';
import { detachKey } from './detach-key.ts';
import { drainTo, pump } from './stream.ts';
import { forwardSignals, onResize, rawMode, type Size, terminalSize } from './terminal.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly interactive: boolean;
  readonly cwd: string;
  readonly user: number;
  readonly group: number;
  /** Give the command no input at all. */
  readonly noInput: boolean;
}

/**
 * Runs a command in an instance with this process's streams as its own and resolves with its exit code. When this
 * process goes away the control socket closes, and the server ends the command.
 */
export async function runCommand(io: Io, { client, name }: Target, request: ExecRequest): Promise<number> {
  const input = request.noInput ? Readable.from([]) : io.stdin;
  const answer = await client.send('POST', at`instances/${name}/exec`, { body: execBody(request, terminalSize(io)) });
  return exitCode(io, await attach(io, client, answer, { interactive: request.interactive, input: () => input }));
}

/** A terminal of the instance's own on this one, until the user types Ctrl-a q or whoever logged in there ends. */
export async function runConsole(io: Io, { client, name }: Pick<Target, 'client' | 'name'>): Promise<void> {
  const { columns: width, rows: height } = terminalSize(io);
  const body = { type: 'console', width, height };
  const answer = await client.send('POST', at`instances/${name}/console`, { body });
  const input = (detach: () => void) => io.stdin.pipe(detachKey(detach));
  succeeded(await attach(io, client, answer, { interactive: true, input }));
}

interface Attachment {
  readonly interactive: boolean;
  /** What to send; `detach` hangs up. */
  readonly input: (detach: () => void) => Readable;
}

async function attach(io: Io, client: Client, answer: Answer, { interactive, input }: Attachment): Promise<Operation> {
  if (answer.kind === 'sync') throw new AppError('internal', 'the server answered without an operation');
  const { operation } = answer;
  const sockets: WebSocket[] = [];
  const open = (fd: string, attach: (socket: WebSocket) => void = () => {}): Promise<WebSocket> => {
    const secret = (operation.metadata?.fds as Record<string, string> | undefined)?.[fd];
    return openWebSocket(client, at`operations/${operation.id}/websocket`, { secret }, socket => {
      sockets.push(socket);
      socket.on('error', () => socket.terminate());
      attach(socket);
    });
  };
  const undo = [interactive ? rawMode(io) : () => {}];
  try {
    const control = await open('control');
    undo.push(forwardSignals(signal => tell(control, { command: 'signal', signal })));
    if (interactive) undo.push(onResize(io, size => tell(control, { command: 'window-resize', args: textSize(size) })));
    const typed = input(() => control.close());
    const { written } = interactive ? await attachTerminal(io, open, typed) : await attachStreams(io, open, typed);
    const final = await untilFinal(client, operation);
    await written;
    return final;
  } finally {
    for (const step of undo) step();
    for (const socket of sockets) socket.close();
    io.stdin.pause();
  }
}

type Open = (fd: string, attach?: (socket: WebSocket) => void) => Promise<WebSocket>;
/** Resolves once everything is connected; `written` when all output is out. */
type Attached = Promise<{ readonly written: Promise<unknown> }>;

async function attachTerminal(io: Io, open: Open, input: Readable): Attached {
  let written: Promise<void> | undefined;
  const terminal = await open('0', socket => {
    written = drainTo(socket, io.stdout);
  });
  pump(input, terminal).catch(() => terminal.close());
  return { written: written! };
}

async function attachStreams(io: Io, open: Open, input: Readable): Attached {
  const ends: Promise<void>[] = [];
  const drain = (output: Writable) => (socket: WebSocket) => void ends.push(drainTo(socket, output));
  const [stdin] = await Promise.all([open('0'), open('1', drain(io.stdout)), open('2', drain(io.stderr))]);
  pump(input, stdin).catch(() => stdin.close());
  return { written: Promise.all(ends) };
}

function execBody(request: ExecRequest, size: Size): object {
  const { columns: width, rows: height } = request.interactive ? size : { columns: 0, rows: 0 };
  return {
    command: request.command,
    'wait-for-websocket': true,
    interactive: request.interactive,
    environment: request.environment,
    width,
    height,
    'record-output': false,
    user: request.user,
    group: request.group,
    cwd: request.cwd,
  };
}

/** A command that could not be run has a code too (127, 126), and a text that says so. */
function exitCode(io: Io, operation: Operation): number {
  const code = operation.metadata?.return;
  if (typeof code !== 'number') {
    succeeded(operation);
    throw new AppError('internal', 'the command ended without an exit code');
  }
  if (operation.err) print(io.stderr, `Error: ${operation.err}`);
  return code;
}

function textSize({ columns, rows }: Size): object {
  return { width: String(columns), height: String(rows) };
}

function tell(control: WebSocket, message: object): void {
  if (control.readyState === control.OPEN) control.send(JSON.stringify(message));
}
