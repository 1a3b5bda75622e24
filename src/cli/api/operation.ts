import { AppError } from '../../domain/errors.ts';
import { type Clock, systemClock } from '../../kit/clock.ts';
import type { Client } from './client.ts';
import type { Answer } from './envelope.ts';
import { at } from './path.ts';

/** Work in progress, as the API shows it. */
export interface Operation {
  readonly id: string;
  readonly class: 'task' | 'websocket' | 'token';
  readonly description: string;
  readonly created_at: string;
  readonly updated_at?: string;
  readonly status: string;
  /** Final from 200 on. */
  readonly status_code: number;
  readonly resources: Readonly<Record<string, readonly string[]>> | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly may_cancel: boolean;
  readonly err: string;
  readonly location?: string;
}

/** One wait of the API, in seconds: short enough for proxies between, and a lost connection costs no more than that. */
const WAIT_SECONDS = 30;
/** How long a server that was there a moment ago may be away (a controller restarts, another takes over). */
const AWAY_MS = 15_000;

export function isFinal(operation: Operation): boolean {
  return operation.status_code >= 200;
}

/** Resolves with the operation when it succeeded and throws its error when it failed. */
export async function waitFor(client: Client, started: Operation, clock?: Clock): Promise<Operation> {
  return succeeded(await untilFinal(client, started, clock));
}

/**
 * Resolves with the operation when it is over, well or not. The end comes from the API's own wait, which can be repeated:
 * unlike an event stream it loses nothing when the connection breaks, so a controller that is replaced meanwhile costs
 * the user nothing.
 */
export async function untilFinal(client: Client, started: Operation, clock: Clock = systemClock): Promise<Operation> {
  let operation = started;
  let awayUntil: number | undefined;
  while (!isFinal(operation)) {
    try {
      operation = await client.get<Operation>(at`operations/${started.id}/wait`, { timeout: WAIT_SECONDS });
      awayUntil = undefined;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
      awayUntil ??= clock.now() + AWAY_MS;
      if (clock.now() >= awayUntil) {
        throw new AppError(
          'deadline',
          `lost the server while waiting for "${started.description}" (operation ${started.id}); it may still be done: ${error.message}`,
          error,
        );
      }
      await clock.sleep(250);
    }
  }
  return operation;
}

/** The operation itself, or its error thrown. */
export function succeeded(operation: Operation): Operation {
  if (operation.status_code < 400) return operation;
  throw new AppError(
    operation.status_code === 401 ? 'cancelled' : 'internal',
    operation.err || `Operation ${operation.status.toLowerCase()}`,
  );
}

/** Waits if the server answered with an operation; undefined if it was done at once. */
export async function finish(client: Client, answer: Answer, clock?: Clock): Promise<Operation | undefined> {
  return answer.kind === 'async' ? waitFor(client, answer.operation, clock) : undefined;
}

/** The text to show while it runs: the first "…_progress" of its metadata. */
export function progressOf(operation: Operation): string | undefined {
  for (const [key, value] of Object.entries(operation.metadata ?? {})) {
    if (key.endsWith('_progress') && typeof value === 'string') return value;
  }
  return undefined;
}
