/** What a step may use. Nothing else: no globals, no clock of its own. */
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Beginning } from './engine.ts';
import type { Json, Saga } from './saga.ts';
import type { SagaRecord } from './saga-record.ts';

export interface StepContext {
  /** Aborts when this controller lost the saga, shuts down, or (before the pivot) the user cancelled. */
  readonly signal: AbortSignal;
  /** The saga's id, which users know as the operation. */
  readonly operation: string;
  readonly project: string;
  readonly store: Store;
  readonly view: View;
  /** Calls end by themselves when their node goes offline, with `NodeLost`. */
  readonly agents: Agents;
  readonly clock: Clock;
  /** Merged into the operation's metadata; written at most every half second, and with the step's end. */
  progress(metadata: Readonly<Record<string, Json>>): void;
  /**
   * Carries out another saga and waits for its end, whatever that is. `key` names it within this one: a step that is run
   * again finds the child it began.
   */
  child<Input extends Json>(key: string, saga: Saga<Input>, input: Input, beginning: Beginning): Promise<SagaRecord>;
  log(event: string, details?: Readonly<Record<string, unknown>>): void;
}
