/**
 * The stored form of a saga: an intent log. It is in the store before the user gets an answer; any controller can take it
 * over from here. `GET /1.0/operations/<id>` is a rendering of it; there is no second record of progress.
 */
import type { Code } from '../../domain/errors.ts';
import type { Json } from './saga.ts';

export type LogEvent =
  | { readonly step: string; readonly event: 'started'; readonly at: number }
  | { readonly step: string; readonly event: 'done'; readonly at: number; readonly output?: Json }
  | {
      readonly step: string;
      readonly event: 'failed';
      readonly at: number;
      readonly code: Code;
      readonly message: string;
      /** What its user has to hear above all: see `FinalWord`. */
      readonly final?: true;
    }
  | { readonly step: string; readonly event: 'undoing'; readonly at: number }
  | { readonly step: string; readonly event: 'undone'; readonly at: number };

export const SAGA_STATES = ['running', 'unwinding', 'succeeded', 'failed', 'cancelled', 'stuck'] as const;
export type SagaState = (typeof SAGA_STATES)[number];

/** Key `sagas/<id>`; written by the saga engine of the controller that holds the claim, guarded by its revision. */
export interface SagaRecord {
  /** UUID; also the id of the operation that users see. */
  readonly id: string;
  readonly saga: string;
  readonly version: number;
  readonly input: Json;
  readonly project: string;
  /** LXD's operation texts, e.g. "Creating instance". */
  readonly description: string;
  /** LXD's resources: kind -> URLs. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
  /** Keys in `locks/` that it holds until it ends. */
  readonly locks: readonly string[];
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Which controller process works on it. */
  readonly claim: { readonly controller: string; readonly incarnation: string };
  readonly state: SagaState;
  readonly log: readonly LogEvent[];
  /** Shown to the user: results (fingerprint, …) and texts that end in `_progress`. */
  readonly metadata: Readonly<Record<string, Json>>;
  readonly error?: { readonly code: Code; readonly message: string };
  readonly cancelRequested?: boolean;
  readonly location: string;
  readonly requestor?: { readonly username: string; readonly protocol: string; readonly address: string };
}
