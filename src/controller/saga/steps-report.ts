/** A saga's log for people and programs: what `berth operation show` prints, as the metadata key `berth.steps`. Pure. */
import type { Json } from './saga.ts';
import type { LogEvent, SagaRecord } from './saga-record.ts';

export const STEPS_KEY = 'berth.steps';

export type StepReport = {
  readonly step: string;
  /** The last event of its log. */
  readonly state: LogEvent['event'];
  /** ISO 8601. */
  readonly since: string;
  /** How long it took to run; absent while it runs. */
  readonly ms?: number;
  /** Why it failed. */
  readonly error?: string;
};

/** In the order in which they were begun. */
export function stepsOf({ log }: Pick<SagaRecord, 'log'>): readonly StepReport[] {
  const names = [...new Set(log.map(event => event.step))];
  return names.map(step => {
    const events = log.filter(event => event.step === step);
    const last = events.at(-1)!;
    const end = events.find(({ event }) => event === 'done' || event === 'failed');
    const failure = events.find(event => event.event === 'failed');
    return {
      step,
      state: last.event,
      since: new Date(last.at).toISOString(),
      ...(end === undefined ? {} : { ms: end.at - events[0]!.at }),
      ...(failure?.event === 'failed' ? { error: failure.message } : {}),
    };
  }) satisfies Json;
}
