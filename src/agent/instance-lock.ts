/** One verb at a time on one instance; different instances do not wait for each other. */
import { createKeyedLock } from './storage/keyed-lock.ts';

export interface InstanceLocks {
  /** Runs `work` when all earlier ones on this id have ended, however they ended. */
  run<T>(id: string, work: () => Promise<T>): Promise<T>;
  /** Is a verb at work on it now? What is seen of it meanwhile is not news. */
  held(id: string): boolean;
}

export function instanceLocks(): InstanceLocks {
  const lock = createKeyedLock();
  const holders = new Map<string, number>();
  const count = (id: string, change: number) => {
    const left = (holders.get(id) ?? 0) + change;
    if (left === 0) holders.delete(id);
    else holders.set(id, left);
  };
  return {
    held: id => holders.has(id),
    async run(id, work) {
      count(id, 1);
      try {
        return await lock(id, work);
      } finally {
        count(id, -1);
      }
    },
  };
}
