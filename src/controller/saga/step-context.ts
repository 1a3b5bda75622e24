/** What a step may use. Nothing else: no globals, no clock of its own. */
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Json } from './saga.ts';

export interface StepContext {
  /** Aborts when this controller lost the saga, shuts down, or (before the pivot) the user cancelled. */
  readonly signal: AbortSignal;
  /** The saga's id, which users know as the operation. */
  readonly operation: string;
  readonly project: string;
  readonly store: Store;
  readonly view: View;
  readonly agents: Agents;
  readonly clock: Clock;
  /** Merged into the operation's metadata; written at most every half second, and with the step's end. */
  progress(metadata: Readonly<Record<string, Json>>): void;
  log(event: string, details?: Readonly<Record<string, unknown>>): void;
}
