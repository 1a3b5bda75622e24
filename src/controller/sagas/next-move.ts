/**
 * Which of many moves may begin now, and what to try when one did not work: pure. A host takes part in few moves at once,
 * so that those that stay on it are served meanwhile, and each move is over soon.
 */
import { type Code, RETRYABLE } from '../../domain/errors.ts';

export interface Budget {
  /** Moves in which one host takes part, giving or taking. */
  readonly perHost: number;
  readonly total: number;
}

export interface Move {
  readonly from: string;
  /** '' = any host, or not decided yet. */
  readonly to: string;
}

export interface WaitingMove extends Move {
  /** Of one to any host: does it make sense to begin while it must not go to those? */
  fits(avoid: readonly string[]): boolean;
}

/** The first that may begin. Undefined: wait for a change; one whose target is not decided yet could go anywhere. */
export function nextMove<M extends WaitingMove>(
  waiting: readonly M[],
  underWay: readonly Move[],
  budget: Budget,
): M | undefined {
  if (underWay.length >= budget.total || underWay.some(({ to }) => to === '')) return undefined;
  const full = fullHosts(underWay, budget);
  return waiting.find(
    ({ from, to, fits }) => !full.includes(from) && (to === '' ? full.length === 0 || fits(full) : !full.includes(to)),
  );
}

/** Hosts that take part in as many moves as they may. */
export function fullHosts(underWay: readonly Move[], { perHost }: Budget): readonly string[] {
  const load = new Map<string, number>();
  for (const { from, to } of underWay) {
    for (const host of [from, to]) if (host !== '') load.set(host, (load.get(host) ?? 0) + 1);
  }
  return [...load].filter(([, moves]) => moves >= perHost).map(([host]) => host);
}

/** How it is moved, and whether it may be stopped for that when nothing else works. */
export interface Way {
  readonly live: boolean;
  readonly mayStop: boolean;
}

const MOST_TRIES = 3;

/** After `tries` in vain, the last for the reason `code`. Undefined: it stays where it is. */
export function nextWay(way: Way, tries: number, code: Code): Way | undefined {
  if (code === 'cancelled' || code === 'not-found') return undefined;
  if (RETRYABLE[code] && tries < MOST_TRIES) return way;
  return way.live && way.mayStop ? { ...way, live: false } : undefined;
}
