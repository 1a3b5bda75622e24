/** Waits for a move's folder to say something: woken by the kernel, and once a second in case a script was killed. */
import { type FSWatcher, watch } from 'node:fs';
import { fail } from '../../domain/errors.ts';
import { systemClock } from '../../kit/clock.ts';
import { type Facts, readFacts } from './facts.ts';

const LOOK_AGAIN_MS = 1000;

export interface Patience {
  readonly timeoutMs: number;
  /** What is waited for, to complete "... took longer than 5 s". */
  readonly what: string;
  readonly signal?: AbortSignal;
}

/** @throws AppError `deadline`, or the signal's reason */
export async function awaitFacts(
  folder: string,
  enough: (facts: Facts) => boolean,
  patience: Patience,
): Promise<Facts> {
  const { timeoutMs, what, signal } = patience;
  const ended =
    signal === undefined ? AbortSignal.timeout(timeoutMs) : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let wake: () => void = () => {};
  const watcher = watchIfThere(folder, () => wake());
  ended.addEventListener('abort', () => wake());
  try {
    for (;;) {
      const again = new AbortController();
      const changed = new Promise<void>(resolve => {
        wake = resolve; // from before the look, so that nothing falls between
      });
      const facts = readFacts(folder);
      if (enough(facts)) return facts;
      signal?.throwIfAborted();
      if (ended.aborted) fail('deadline', `${what} took longer than ${timeoutMs / 1000} s`);
      await Promise.race([changed, systemClock.sleep(LOOK_AGAIN_MS, again.signal).catch(() => {})]);
      again.abort();
    }
  } finally {
    watcher?.close();
  }
}

function watchIfThere(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(folder, onChange).on('error', onChange);
  } catch {
    return undefined; // not there: the facts say so
  }
}
