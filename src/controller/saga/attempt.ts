/** Repeats what may succeed if simply repeated (a property of the error's code), with growing pauses. */
import { AppError, RETRYABLE } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import { NodeLost } from './node-lost.ts';

const FIRST_PAUSE_MS = 100;
/** An instance may stand still meanwhile: the host that it waits for is noticed soon after it is back. */
const LONGEST_PAUSE_MS = 1_000;

export interface AttemptOptions {
  readonly clock: Clock;
  /** Aborts when it is not wanted any more: no further try. What runs knows by itself, and is waited for. */
  readonly signal: AbortSignal;
  /** Aborts when nobody may wait for it any more: what runs is left to itself. */
  readonly abandon: AbortSignal;
  /** How long after the first failure repeating makes sense; Infinity = until it succeeds or its node is lost. */
  readonly patienceMs: number;
  readonly onRetry?: (error: AppError, pauseMs: number) => void;
}

/** @throws AppError of the last try; `NodeLost` at once; the reason of the signal that aborted. */
export async function attempt<T>(run: () => Promise<T>, options: AttemptOptions): Promise<T> {
  const { clock, signal, abandon, patienceMs } = options;
  let firstFailureAt: number | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      signal.throwIfAborted();
      return await unlessAborted(run, abandon);
    } catch (thrown) {
      abandon.throwIfAborted();
      signal.throwIfAborted();
      const error = AppError.from(thrown);
      firstFailureAt ??= clock.now();
      const patient = clock.now() - firstFailureAt < patienceMs;
      if (!RETRYABLE[error.code] || error instanceof NodeLost || !patient) throw error;
      options.onRetry?.(error, pauseMs);
      await clock.sleep(pauseMs, signal);
    }
  }
}

async function unlessAborted<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([run(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
