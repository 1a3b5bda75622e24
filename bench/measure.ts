/** Measuring: the time of one thing, and of many at once. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export interface Load {
  /** Milliseconds of each, in the order they ended. */
  readonly latenciesMs: readonly number[];
  readonly perSecond: number;
}

/** Does `work` for every item with `width` of them under way at any time. */
export async function concurrently<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<Load> {
  const waiting = [...items];
  const latenciesMs: number[] = [];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      const next = item;
      latenciesMs.push(await timeMs(() => work(next)));
    }
  };
  const total = await timeMs(() => Promise.all(Array.from({ length: width }, worker)));
  return { latenciesMs, perSecond: (items.length / total) * 1000 };
}
