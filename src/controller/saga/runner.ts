/**
 * Carries one saga from where its log stands to its end. Up to the pivot every event is in the store before what it
 * announces is done, after it at the latest before the next event; the end of one step and the beginning of the next are one
 * write, and so are the last event and the release of locks.
 */
import { AppError } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Log } from '../log.ts';
import { attempt } from './attempt.ts';
import { FinalWord } from './final-word.ts';
import { openJournal } from './journal.ts';
import { liveAgents } from './live-agents.ts';
import { NodeLost } from './node-lost.ts';
import { throttled } from './progress.ts';
import type { Json, Saga, Step } from './saga.ts';
import { announce, type NextAction, pivotBegun, seenBefore, withEvent } from './saga-log.ts';
import type { LogEvent, SagaRecord } from './saga-record.ts';
import type { StepContext } from './step-context.ts';

export interface RunnerParts {
  readonly store: Store;
  readonly view: View;
  readonly agents: Agents;
  readonly clock: Clock;
  readonly log: Log;
  readonly child: (parent: SagaRecord) => StepContext['child'];
  /** How long a step before the pivot may go on failing. */
  readonly patienceMs: number;
}

interface Planned {
  readonly record: SagaRecord;
  readonly action: NextAction;
}

/** The first write of a saga announces its first step, so that it needs no write of its own. */
export function firstRecord(saga: Saga, record: SagaRecord): SagaRecord {
  return announce(saga.steps, record, record.createdAt).record;
}

/**
 * Resolves when the saga has ended, or `stuck`.
 * @param signal aborts when this controller must let go of the saga.
 * @throws LostClaim; the signal's reason; anything else is a bug.
 */
export async function runSaga(
  parts: RunnerParts,
  saga: Saga,
  claimed: Stored<SagaRecord>,
  signal: AbortSignal,
): Promise<SagaRecord> {
  const { steps } = saga;
  const { store, view, clock } = parts;
  const { id, project } = claimed.value;
  const instances = claimed.value.locks
    .filter(lock => lock.startsWith('instance/'))
    .map(lock => lock.slice('instance/'.length));
  const log = parts.log.with({
    operation: id,
    saga: saga.name,
    ...(instances.length === 0 ? {} : { instance: instances.join() }),
  });
  const journal = openJournal(store, clock, claimed, signal);
  const progress = throttled(clock, metadata =>
    journal.write(record => ({ ...record, metadata: { ...record.metadata, ...metadata }, updatedAt: clock.now() })),
  );
  const cancelled = new AbortController();
  const heedCancel = () => {
    const record = view.get(claimed.key)?.value ?? journal.record;
    if (record.cancelRequested === true && record.state === 'running' && !pivotBegun(steps, record)) {
      cancelled.abort(new AppError('cancelled', 'The operation was cancelled'));
    }
  };

  let announced: Promise<unknown> = Promise.resolve();
  /**
   * Appends what happened, then announces what is to be done next, in one write. After the pivot there is only forward, and
   * each step may be repeated: the next one begins while this is being written, for an instance may be standing still.
   */
  const advance = async (...events: readonly LogEvent[]): Promise<Planned> => {
    await announced;
    const metadata = progress.take();
    const plan = (current: SagaRecord): Planned => {
      const after = events.reduce((record, event) => withEvent(steps, record, event), current);
      const { record, action } = announce(steps, after, clock.now());
      if (Object.keys(metadata).length === 0) return { record, action };
      return { record: { ...record, metadata: { ...record.metadata, ...metadata } }, action };
    };
    const ahead = plan(journal.record);
    let planned = ahead;
    announced = journal.write(current => {
      planned = plan(current);
      return planned.record;
    });
    announced.catch(() => {}); // met by the next one
    if (ahead.action.kind === 'run' && ahead.action.step.kind === 'forward') return ahead;
    await announced;
    return planned;
  };

  const contextOf = (step: Step, end: AbortSignal): StepContext => ({
    signal: end,
    operation: id,
    project,
    store,
    view,
    agents: liveAgents(parts.agents, view, end),
    clock,
    progress: progress.add,
    child: parts.child(journal.record),
    log: (event, details) => log.info(event, { ...details, step: step.name }),
  });

  const run = async (step: Step, record: SagaRecord): Promise<LogEvent> => {
    const beforePivot = step.kind === 'undoable' || step.kind === 'harmless';
    const end = beforePivot ? AbortSignal.any([signal, cancelled.signal]) : signal;
    const context = contextOf(step, end);
    const seen = seenBefore(steps, record, step);
    try {
      const output: Json | undefined = await attempt(() => step.run(context, seen), {
        clock,
        signal: end,
        abandon: signal,
        patienceMs: beforePivot ? parts.patienceMs : Number.POSITIVE_INFINITY,
        onRetry: (error, pauseMs) => log.warn('step failed, trying again', { step: step.name, error, pauseMs }),
      });
      return { step: step.name, event: 'done', at: clock.now(), ...(output === undefined ? {} : { output }) };
    } catch (thrown) {
      signal.throwIfAborted();
      const error = AppError.from(thrown);
      log[error.code === 'internal' ? 'error' : 'info']('step failed', { step: step.name, error });
      const failed = { step: step.name, event: 'failed', at: clock.now(), code: error.code } as const;
      if (thrown instanceof FinalWord) return { ...failed, message: error.message, final: true };
      const later = step.kind === 'forward' ? `${step.name} is left to be done later: ` : '';
      return { ...failed, message: later + error.message };
    }
  };

  /** What cannot be undone because its node is gone is finished by the reconciler `sweep` when the node is back. */
  const undo = async (step: Step): Promise<void> => {
    const context = contextOf(step, signal);
    const seen = seenBefore(steps, journal.record, step);
    try {
      await attempt(() => step.undo!(context, seen), {
        clock,
        signal,
        abandon: signal,
        patienceMs: Number.POSITIVE_INFINITY,
        onRetry: (error, pauseMs) => log.warn('undo failed, trying again', { step: step.name, error, pauseMs }),
      });
    } catch (thrown) {
      if (!(thrown instanceof NodeLost)) throw thrown;
      log.warn('undo left to the sweep: its node is gone', { step: step.name, node: thrown.node });
    }
  };

  const stopListening = view.onChange(({ changes }) => {
    if (changes.some(change => change.key === claimed.key)) heedCancel();
  });
  try {
    heedCancel();
    for (let { action, record } = await advance(); action.kind !== 'finish'; ) {
      if (action.kind === 'run') {
        ({ action, record } = await advance(await run(action.step, record)));
      } else {
        const { step } = action;
        try {
          await undo(step);
        } catch (thrown) {
          signal.throwIfAborted();
          const error = AppError.from(thrown);
          log.error('undo failed; an operator has to look at it', { step: step.name, error });
          const message = `${journal.record.error?.message ?? ''} (and undoing "${step.name}" failed: ${error.message})`;
          return await journal.write(record => ({
            ...record,
            state: 'stuck',
            error: { code: error.code, message },
            updatedAt: clock.now(),
          }));
        }
        ({ action, record } = await advance({ step: step.name, event: 'undone', at: clock.now() }));
      }
    }
    log.info('operation ended', { state: journal.record.state, error: journal.record.error?.message });
    return journal.record;
  } finally {
    stopListening();
    progress.stop();
  }
}
