/** Exec sessions of this controller: begun by a POST, joined by websockets, bridged to the agent's stream. */
import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import { AppError, fail } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Log } from '../log.ts';
import { CONTROLLERS } from '../spaces.ts';
import { ClientHungUp, type ExecStart, type Output, runAttached, runCommand } from './exec-bridge.ts';
import { openRecording } from './recordings.ts';
import { relay } from './relay.ts';
import { openSessionBook } from './session-book.ts';
import { SESSIONS, type SessionRecord } from './session-record.ts';
import { type SessionSockets, sessionSockets } from './sockets.ts';

/** What a client has to connect its sockets; LXD's limit. */
const CONNECT_MS = 5_000;

export interface Command {
  /** Of the operation; 'Executing command' if not said. */
  readonly description?: string;
  readonly project: string;
  readonly instance: string;
  readonly node: string;
  readonly start: ExecStart;
  /** Attached: the client gets secrets for websockets. Otherwise it runs at once with nothing on its input. */
  readonly attached: boolean;
  /** That the client hangs up ends it well: a console, not a command. */
  readonly detachable?: true;
  /** Keep what it writes (not attached only). */
  readonly record: boolean;
  /** LXD shows these in the operation. */
  readonly shown: SessionRecord['metadata'];
}

export interface Sessions {
  /** Returns when the session is known to all front ends; the command then runs or waits for its sockets. */
  begin(command: Command): Promise<SessionRecord>;
  /**
   * Joins a websocket to the session by one of its secrets, which is used up by that.
   * @throws AppError `not-found`, or `forbidden` for a wrong secret.
   */
  attach(id: string, secret: string, upgrade: () => Promise<WebSocket>): Promise<void>;
  /** Kills what still runs. */
  close(): Promise<void>;
}

export interface SessionsOptions {
  readonly controller: string;
  /** Of the certificate that all front ends show. */
  readonly fingerprint: string;
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly agents: Agents;
  readonly log: Log;
}

interface Outcome {
  readonly state: 'succeeded' | 'failed';
  readonly metadata: SessionRecord['metadata'];
  readonly error?: string;
}

export function openSessions(options: SessionsOptions): Sessions {
  const { controller, view, clock, agents, log } = options;
  const book = openSessionBook(options);
  const waiting = new Map<string, SessionSockets>();
  const running = new Set<Promise<void>>();
  const closed = new AbortController();

  /** The command itself, with the deadline for its sockets before it. */
  const carryOut = async (id: string, command: Command, sockets: SessionSockets | undefined): Promise<Outcome> => {
    const agent = agents.of(command.node);
    if (sockets !== undefined) {
      await withDeadline(clock, sockets.complete);
      const status = runAttached(agent, command.start, sockets, closed.signal);
      return outcomeOf(await (command.detachable ? status.catch(unlessHungUp) : status));
    }
    if (!command.record) return outcomeOf(await runCommand(agent, command.start, async () => {}, closed.signal));
    const recording = openRecording(command.project, command.instance, id);
    const output: Output = async (stream, bytes) => recording.add(stream, bytes);
    const outcome = outcomeOf(await runCommand(agent, command.start, output, closed.signal));
    await book.keep(recording.transactions);
    return { ...outcome, metadata: { ...outcome.metadata, output: recording.urls } };
  };

  const run = async (record: SessionRecord, command: Command, sockets: SessionSockets | undefined): Promise<void> => {
    const ids = { operation: record.id, instance: command.instance, node: command.node };
    let outcome: Outcome;
    try {
      outcome = await carryOut(record.id, command, sockets);
    } catch (thrown) {
      const { message } = AppError.from(thrown);
      outcome = {
        state: 'failed',
        metadata: {},
        error: closed.signal.aborted ? 'The controller is stopping' : message,
      };
    }
    const { metadata, ...end } = outcome;
    log.info('session ended', { ...ids, ...end, ...metadata });
    try {
      await book.finish({
        ...record,
        ...end,
        metadata: { ...record.metadata, ...metadata },
        updatedAt: clock.now(),
      });
    } catch (error) {
      log.error('the end of a session could not be stored', { ...ids, error });
    }
    // Only now: whoever sees its sockets closed may ask at once how the command ended.
    sockets?.close();
    waiting.delete(record.id);
  };

  return {
    begin: async command => {
      const now = clock.now();
      const sockets = command.attached ? sessionSockets(command.start.interactive === true) : undefined;
      const record: SessionRecord = {
        id: randomUUID(),
        owner: controller,
        project: command.project,
        instance: command.instance,
        description: command.description ?? 'Executing command',
        websocket: command.attached,
        createdAt: now,
        updatedAt: now,
        state: 'running',
        resources: {
          instances: [`/1.0/instances/${command.instance}`],
          containers: [`/1.0/containers/${command.instance}`],
        },
        metadata: { ...command.shown, ...(sockets === undefined ? {} : { fds: sockets.secrets }) },
        location: command.node,
      };
      if (sockets !== undefined) waiting.set(record.id, sockets);
      try {
        await book.write(record);
      } catch (error) {
        waiting.delete(record.id);
        throw error;
      }
      const task = run(record, command, sockets).finally(() => running.delete(task));
      running.add(task);
      return record;
    },
    attach: async (id, secret, upgrade) => {
      const sockets = waiting.get(id);
      if (sockets !== undefined) return sockets.join(secret, upgrade);
      const owner = view.get(SESSIONS.key(id))?.value.owner;
      if (owner === undefined) fail('not-found', `Operation not found: ${id}`);
      if (owner === controller) fail('invalid', `The operation ${id} has no websocket to connect`);
      const address = view.get(CONTROLLERS.key(owner))?.value.address;
      if (address === undefined) fail('unavailable', `The controller ${owner}, which runs this session, is away`);
      const path = `/1.0/operations/${id}/websocket?secret=${encodeURIComponent(secret)}`;
      await relay({ address, fingerprint: options.fingerprint }, path, upgrade);
    },
    close: async () => {
      closed.abort(new AppError('cancelled', 'The controller is stopping'));
      for (const sockets of waiting.values()) sockets.close();
      await Promise.all(running);
      await book.close();
    },
  };
}

/** LXD: 126 and 127 are the command's status and a failure of the operation as well. */
function outcomeOf(status: number): Outcome {
  const metadata = { return: status };
  if (status === 127) return { state: 'failed', metadata, error: 'Command not found' };
  if (status === 126) return { state: 'failed', metadata, error: 'Command not executable' };
  return { state: 'succeeded', metadata };
}

function unlessHungUp(thrown: unknown): number {
  if (thrown instanceof ClientHungUp) return 0;
  throw thrown;
}

async function withDeadline(clock: Clock, complete: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const late = clock.sleep(CONNECT_MS, timer.signal).then(
    () => fail('deadline', `The client did not connect its websockets within ${CONNECT_MS / 1000} s`),
    () => {},
  );
  try {
    await Promise.race([complete, late]);
  } finally {
    timer.abort();
  }
}
