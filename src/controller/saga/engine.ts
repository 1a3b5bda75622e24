/** Starts sagas, runs them step by step, resumes those of dead controllers. */
import type { Guard, Write } from '../../store/store.ts';
import type { Json, Saga } from './saga.ts';
import type { SagaRecord } from './saga-record.ts';

/** What the user sees of it, and what must hold for it to begin. */
export interface Beginning {
  readonly project: string;
  readonly description: string;
  readonly resources: Readonly<Record<string, readonly string[]>>;
  /**
   * Held until the saga ends, e.g. `instance/default/c1`. One that is held already: AppError `busy`,
   * "Instance is busy running a <description> operation".
   */
  readonly locks: readonly string[];
  /** Committed together with the saga's record: what it claims, exists from the moment the user has an answer. */
  readonly guards?: readonly Guard[];
  readonly writes?: readonly Write[];
  /** Thrown when one of `guards` fails. */
  readonly refusal?: (failedKeys: readonly string[]) => Error;
  readonly requestor?: SagaRecord['requestor'];
  readonly location?: string;
}

export interface Engine {
  /** Returns once the saga is in the store: from then on it will be carried out or undone, whoever dies. */
  start<Input extends Json>(saga: Saga<Input>, input: Input, beginning: Beginning): Promise<SagaRecord>;
  /** Before the pivot the saga unwinds; after it AppError `invalid`. */
  cancel(id: string): Promise<void>;
  /** Resolves with the final record, whichever controller finished it. */
  finished(id: string, signal?: AbortSignal): Promise<SagaRecord>;
  close(): Promise<void>;
}
