/** Carries one command: the agent's stream on one side, the client's websockets (or a recording) on the other. */
import { AppError } from '../../domain/errors.ts';
import type { AgentClient } from '../../rpc/agent-services.ts';
import { readControl } from './control.ts';
import { type InputQueue, inputQueue } from './input-queue.ts';
import type { SessionSockets } from './sockets.ts';
import { asBuffer, endOf, readFrom, writeTo } from './stream-socket.ts';

const MAX_WAITING_INPUT_BYTES = 1024 * 1024;

type ExecInput = Parameters<AgentClient['exec']>[0] extends AsyncIterable<infer T> ? T : never;
export type ExecStart = Extract<NonNullable<ExecInput['input']>, { case: 'start' }>['value'];

export class ClientHungUp extends AppError {
  constructor() {
    super('cancelled', 'The client hung up; the command was killed');
  }
}

/** Where output goes; resolves when there is room for more. */
export type Output = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;

/**
 * Runs the command to its end with nothing on its input.
 * @returns its exit status, 128 + n for a signal. @throws AppError if it could not be started or its host went away.
 */
export async function runCommand(
  agent: AgentClient,
  start: ExecStart,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const input = inputQueue<ExecInput>(MAX_WAITING_INPUT_BYTES);
  void input.push(asInput('start', start));
  void input.push(asInput('stdinEnd', true));
  return follow(agent, input, output, signal);
}

/** The same with a client attached. When the client goes away the command is killed. */
export async function runAttached(
  agent: AgentClient,
  start: ExecStart,
  sockets: SessionSockets,
  signal: AbortSignal,
): Promise<number> {
  const input = inputQueue<ExecInput>(MAX_WAITING_INPUT_BYTES);
  const gone = new AbortController();
  const hangUp = () => gone.abort(new ClientHungUp());
  void input.push(asInput('start', start));

  const stdin = sockets.get('0')!;
  const stdout = start.interactive ? stdin : sockets.get('1')!;
  const stderr = start.interactive ? stdin : sockets.get('2')!;
  readFrom(
    stdin,
    bytes => input.push(asInput('stdin', bytes), bytes.length),
    () => void input.push(asInput('stdinEnd', true)),
  );
  sockets.onControl(control => {
    control.on('message', raw => heed(asBuffer(raw).toString(), input));
    control.once('close', hangUp);
    control.resume();
  });
  // Without control the client is known to be there by the socket that it reads.
  if (sockets.get('control') === undefined) stdout.once('close', hangUp);
  for (const socket of new Set([stdin, stdout, stderr])) socket.resume();

  try {
    const write: Output = (stream, bytes) => writeTo(stream === 'stdout' ? stdout : stderr, bytes);
    const status = await follow(agent, input, write, AbortSignal.any([signal, gone.signal]));
    gone.signal.throwIfAborted(); // it may still have told how it was killed
    return status;
  } catch (error) {
    throw gone.signal.aborted ? gone.signal.reason : error;
  } finally {
    for (const socket of new Set([stdout, stderr])) endOf(socket);
  }
}

async function follow(
  agent: AgentClient,
  input: InputQueue<ExecInput>,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  try {
    for await (const { output: said } of agent.exec(input, { signal })) {
      if (said.case === 'stdout' || said.case === 'stderr') await output(said.case, said.value);
      else if (said.case === 'exited') return said.value;
    }
  } finally {
    input.end();
  }
  throw new AppError('unavailable', 'The host ended the session without saying how the command ended');
}

function heed(text: string, input: InputQueue<ExecInput>): void {
  const said = readControl(text);
  if (said?.kind === 'resize') void input.push(asInput('resize', { width: said.width, height: said.height }));
  if (said?.kind === 'signal') void input.push(asInput('signal', said.signal));
}

type InputCase = NonNullable<NonNullable<ExecInput['input']>['case']>;
type ValueOf<C extends InputCase> = Extract<NonNullable<ExecInput['input']>, { case: C }>['value'];

function asInput<C extends InputCase>(kind: C, value: ValueOf<C>): ExecInput {
  return { input: { case: kind, value } } as ExecInput;
}
