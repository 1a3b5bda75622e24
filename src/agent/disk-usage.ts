/**
 * Bytes on disk of instances, remembered: counting walks the whole tree in some pools, and lists ask for all instances at
 * once. An old figure is answered at once and renewed behind the back of who asked.
 */
import type { Clock } from '../kit/clock.ts';

export interface DiskUsage {
  /** Undefined when it was never counted and counting takes long; ask again later. */
  of(id: string, count: () => Promise<number>): Promise<number | undefined>;
  forget(id: string): void;
}

/** How old a figure may be before it is renewed. */
const FRESH_MS = 10_000;
/** How long the first asker waits for the first figure. */
const PATIENCE_MS = 500;
/** Counting is disk work: more at once would only disturb the instances. */
const AT_ONCE = 2;

interface Figure {
  readonly bytes: number | undefined;
  readonly countedAt: number;
  readonly counting: Promise<number | undefined> | undefined;
}

export function diskUsage(clock: Clock): DiskUsage {
  const figures = new Map<string, Figure>();
  const waiting: (() => void)[] = [];
  let free = AT_ONCE;

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (free === 0) await new Promise<void>(resolve => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };

  const begin = (id: string, before: number | undefined, count: () => Promise<number>): Figure => {
    const counting = inTurn(count)
      .catch(() => before)
      .then(bytes => {
        if (figures.has(id)) figures.set(id, { bytes, countedAt: clock.now(), counting: undefined });
        return bytes;
      });
    return { bytes: before, countedAt: 0, counting };
  };

  return {
    async of(id, count) {
      let figure = figures.get(id);
      if (figure === undefined || (figure.counting === undefined && clock.now() - figure.countedAt > FRESH_MS)) {
        figure = begin(id, figure?.bytes, count);
        figures.set(id, figure);
      }
      if (figure.bytes !== undefined || figure.counting === undefined) return figure.bytes;
      const giveUp = new AbortController();
      const patience = clock.sleep(PATIENCE_MS, giveUp.signal).then(
        () => undefined,
        () => undefined,
      );
      const bytes = await Promise.race([figure.counting, patience]);
      giveUp.abort();
      return bytes;
    },
    forget: id => figures.delete(id),
  };
}
