/** Gathers progress and writes it at most every half second: a transfer reports far more often than a user can read. */
import type { Clock } from '../../kit/clock.ts';
import type { Json } from './saga.ts';

type Metadata = Readonly<Record<string, Json>>;

const PERIOD_MS = 500;

export interface Progress {
  add(metadata: Metadata): void;
  /** What has not been written yet; the caller writes it with something else. */
  take(): Metadata;
  stop(): void;
}

export function throttled(clock: Clock, write: (metadata: Metadata) => Promise<unknown>): Progress {
  const stopped = new AbortController();
  let pending: Metadata = {};
  let waiting = false;

  const take = (): Metadata => {
    const taken = pending;
    pending = {};
    return taken;
  };
  const flush = async (): Promise<void> => {
    await clock.sleep(PERIOD_MS, stopped.signal);
    waiting = false;
    const metadata = take();
    if (Object.keys(metadata).length > 0) await write(metadata);
  };
  return {
    add: metadata => {
      pending = { ...pending, ...metadata };
      if (waiting || stopped.signal.aborted) return;
      waiting = true;
      // A write that fails for good makes the next one, of the step's end, fail too: that one is heard.
      flush().catch(() => {});
    },
    take,
    stop: () => stopped.abort(),
  };
}
