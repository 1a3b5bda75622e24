/**
 * A promise to keep forever: no input, idempotent, run on a hint (a key that changed) and on a period. It compares what
 * is with what should be and starts sagas; what it misses now it sees the next time.
 */
import type { Commander } from '../commands/commander.ts';
import type { Log } from '../log.ts';
import type { NodeNews } from '../observe/follow-node.ts';

export interface ReconcileContext extends Commander {
  readonly log: Log;
  /** What a node's agent said last; undefined while it is not followed. */
  readonly news: (node: string) => NodeNews | undefined;
  /** Something was made on that node: asks it for its facts again. */
  readonly refresh: (node: string) => void;
  /** Aborts when this controller is not the leader any more. */
  readonly signal: AbortSignal;
}

export interface Reconciler {
  readonly name: string;
  readonly periodMs: number;
  /** Between two runs, for one that waits for hosts rather than works; others pause in proportion to how long they took. */
  readonly pauseMs?: number;
  /** What the start of keys looks like whose change may give it work. */
  readonly hints: readonly string[];
  /** @returns what it did, for a person; '' = nothing was to be done. */
  run(context: ReconcileContext): Promise<string>;
}

/** How its last run went, for `berth` and for the log. */
export interface ReconcilerStatus {
  readonly name: string;
  /** ms since the epoch; 0 = it has not run yet. */
  readonly lastRunAt: number;
  readonly durationMs: number;
  readonly result: string;
  readonly error: string;
}
