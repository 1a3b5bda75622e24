/** Runs each reconciler by itself, never twice at once; retries are its next run, and a failure of one is its own. */
import { AppError } from '../../domain/errors.ts';
import type { ReconcileContext, Reconciler, ReconcilerStatus } from './reconciler.ts';

/** Hints come in bursts: one run for all of a burst. */
const GATHER_MS = 50;
/** A reconciler whose runs take long in a large cluster gets at most one part in so many of the time. */
const SHARE = 50;

export interface Driver {
  status(): readonly ReconcilerStatus[];
}

/** Runs until `context.signal` aborts. */
export function driveReconcilers(context: ReconcileContext, reconcilers: readonly Reconciler[]): Driver {
  const statuses = new Map<string, ReconcilerStatus>();
  for (const reconciler of reconcilers) {
    const { name } = reconciler;
    statuses.set(name, { name, lastRunAt: 0, durationMs: 0, result: '', error: '' });
    drive(context, reconciler, status => statuses.set(name, status)).catch(() => {}); // ends by the signal
  }
  return { status: () => [...statuses.values()] };
}

async function drive(
  context: ReconcileContext,
  reconciler: Reconciler,
  report: (status: ReconcilerStatus) => void,
): Promise<never> {
  const { view, clock, signal } = context;
  const log = context.log.with({ reconciler: reconciler.name });
  let hint = Promise.withResolvers<void>();
  const stop = view.onChange(({ changes }) => {
    if (changes.some(({ key }) => reconciler.hints.some(prefix => key.startsWith(prefix)))) hint.resolve();
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      hint = Promise.withResolvers();
      const lastRunAt = clock.now();
      const outcome = await reconciler.run({ ...context, log }).then(
        result => ({ result, error: '' }),
        thrown => ({ result: '', error: AppError.from(thrown).message }),
      );
      signal.throwIfAborted();
      const tookMs = clock.now() - lastRunAt;
      report({ name: reconciler.name, lastRunAt, durationMs: tookMs, ...outcome });
      if (outcome.error !== '') log.warn('reconciler failed, it will run again', { error: outcome.error });
      else if (outcome.result !== '') log.info(outcome.result);
      const period = new AbortController();
      const end = AbortSignal.any([signal, period.signal]);
      await Promise.race([hint.promise, clock.sleep(reconciler.periodMs, end).catch(() => {})]);
      period.abort();
      await clock.sleep(
        reconciler.pauseMs ?? Math.min(reconciler.periodMs, Math.max(GATHER_MS, SHARE * tookMs)),
        signal,
      );
    }
  } finally {
    stop();
  }
}
