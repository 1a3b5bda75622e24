/** Waits for what `observe` writes, so that a user who just changed a state reads the new one. */
import type { Seen } from '../../domain/instance.ts';
import type { StepContext } from '../saga/step-context.ts';
import { STATUS } from '../spaces.ts';

/** An observation takes milliseconds; while no leader is elected nobody writes any, and waiting longer helps nobody. */
const LONGEST_MS = 1_500;

/** Resolves also when it was not seen in time. */
export async function untilSeen(context: StepContext, id: string, generation: number, state: Seen): Promise<void> {
  const { view, clock } = context;
  const isSeen = () => {
    const status = view.get(STATUS.key(id))?.value;
    return status !== undefined && status.generation >= generation && status.state === state;
  };
  const end = new AbortController();
  const stop = view.onChange(() => {
    if (isSeen()) end.abort();
  });
  try {
    if (!isSeen()) await clock.sleep(LONGEST_MS, AbortSignal.any([end.signal, context.signal]));
  } catch {
    // Seen, or nobody waits any more.
  } finally {
    stop();
  }
}
