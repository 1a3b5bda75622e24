/** One verb at a time on one instance; different instances do not wait for each other. */
export interface InstanceLocks {
  /** Runs `work` when all earlier ones on this id have ended, however they ended. */
  run<T>(id: string, work: () => Promise<T>): Promise<T>;
  /** Is a verb at work on it now? What is seen of it meanwhile is not news. */
  held(id: string): boolean;
}

export function instanceLocks(): InstanceLocks {
  const tails = new Map<string, Promise<unknown>>();
  return {
    held: id => tails.has(id),
    async run(id, work) {
      const mine = (tails.get(id) ?? Promise.resolve()).then(work, work);
      const tail = mine.catch(() => {});
      tails.set(id, tail);
      try {
        return await mine;
      } finally {
        if (tails.get(id) === tail) tails.delete(id);
      }
    },
  };
}
