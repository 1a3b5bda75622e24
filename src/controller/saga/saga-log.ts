/**
 * What a saga's log means: pure. From the table of steps and the stored record follows the one thing to do next, so that
 * any controller that reads the record knows it, and the legal order of events is checked in one place.
 */
import { fail } from '../../domain/errors.ts';
import type { Json, Step } from './saga.ts';
import type { LogEvent, SagaRecord, SagaState } from './saga-record.ts';

export type NextAction =
  | { readonly kind: 'run'; readonly step: Step }
  | { readonly kind: 'undo'; readonly step: Step }
  | { readonly kind: 'finish'; readonly state: SagaState };

type StepStatus = 'new' | LogEvent['event'];

/** Which event may follow which, for one step. */
const LEGAL = {
  new: ['started'],
  started: ['done', 'failed', 'undoing'],
  done: ['undoing'],
  failed: ['undoing'],
  undoing: ['undone'],
  undone: [],
} as const satisfies Record<StepStatus, readonly LogEvent['event'][]>;

/** Nobody works on it now: it ended, or it is stuck and an operator has to look at it. */
export function isSettled({ state }: Pick<SagaRecord, 'state'>): boolean {
  return state !== 'running' && state !== 'unwinding';
}

/** It is over for good and holds nothing any more. */
export function hasEnded({ state }: Pick<SagaRecord, 'state'>): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}

/** A pivot that was begun may have happened: from there on nothing is undone on request. */
export function pivotBegun(steps: readonly Step[], { log }: Pick<SagaRecord, 'log'>): boolean {
  const pivot = steps.find(step => step.kind === 'pivot');
  return log.some(event => event.step === pivot?.name);
}

/** @throws AppError `internal` for an event that cannot follow what the log says. */
export function withEvent(steps: readonly Step[], record: SagaRecord, event: LogEvent): SagaRecord {
  const step = steps.find(({ name }) => name === event.step);
  const before = statusOf(record, event.step);
  const legal: readonly string[] = LEGAL[before];
  if (step === undefined || !legal.includes(event.event)) {
    fail(
      'internal',
      `saga ${record.saga} ${record.id}: step ${event.step} cannot be ${event.event} when it is ${before}`,
    );
  }
  const next = { ...record, log: [...record.log, event], updatedAt: event.at };
  if (event.event !== 'failed') return next;
  const said = { code: event.code, message: event.message };
  const error = event.final ? said : (record.error ?? said);
  return { ...next, error, state: step.kind === 'forward' ? record.state : 'unwinding' };
}

/** The next thing to do, and the record in which it is announced: what is written before it is done. */
export function announce(
  steps: readonly Step[],
  record: SagaRecord,
  at: number,
): { readonly record: SagaRecord; readonly action: NextAction } {
  const current = cancelledIfWished(steps, record, at);
  const action = nextAction(steps, current);
  if (action.kind === 'finish') return { record: { ...current, state: action.state, updatedAt: at }, action };
  const event = action.kind === 'run' ? 'started' : 'undoing';
  if (statusOf(current, action.step.name) === event) return { record: current, action };
  return { record: withEvent(steps, current, { step: action.step.name, event, at }), action };
}

/** What a step is given: the input and the outputs of the steps before it, never its own. */
export function seenBefore(
  steps: readonly Step[],
  record: SagaRecord,
  step: Step,
): Readonly<Record<string, Json | undefined>> {
  const before = new Set(steps.slice(0, steps.indexOf(step)).map(({ name }) => name));
  const outputs = record.log.flatMap(event =>
    event.event === 'done' && before.has(event.step) ? [[event.step, event.output] as const] : [],
  );
  return { input: record.input, ...Object.fromEntries(outputs) };
}

function nextAction(steps: readonly Step[], record: SagaRecord): NextAction {
  if (record.state === 'unwinding') {
    const dirty = steps.findLast(
      step => step.kind === 'undoable' && !['new', 'undone'].includes(statusOf(record, step.name)),
    );
    if (dirty !== undefined) return { kind: 'undo', step: dirty };
    return { kind: 'finish', state: record.error?.code === 'cancelled' ? 'cancelled' : 'failed' };
  }
  // A forward step that failed for good is left behind: what comes after it is still to be done.
  const open = steps.find(step => !['done', 'failed'].includes(statusOf(record, step.name)));
  if (open !== undefined) return { kind: 'run', step: open };
  return { kind: 'finish', state: record.error === undefined ? 'succeeded' : 'failed' };
}

function cancelledIfWished(steps: readonly Step[], record: SagaRecord, at: number): SagaRecord {
  if (record.cancelRequested !== true || record.state !== 'running' || pivotBegun(steps, record)) return record;
  const error = { code: 'cancelled', message: 'The operation was cancelled' } as const;
  return { ...record, state: 'unwinding', error, updatedAt: at };
}

function statusOf({ log }: SagaRecord, step: string): StepStatus {
  return log.findLast(event => event.step === step)?.event ?? 'new';
}
