/** For tests: reads a watch in the background and waits for events. */
import type { WatchEvent } from './store.ts';

/** `until` resolves when an event passes the test, also one that came before. */
export function recorder(source: AsyncIterable<WatchEvent>) {
  const events: WatchEvent[] = [];
  const waiting = new Set<() => void>();
  const ended = (async () => {
    for await (const event of source) {
      events.push(event);
      for (const wake of [...waiting]) wake();
    }
  })();
  const until = (test: (event: WatchEvent) => boolean) =>
    new Promise<void>(resolve => {
      const look = () => {
        if (!events.some(test)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { events, until, ended };
}

export const progressed = (revision: bigint) => (event: WatchEvent) =>
  event.kind === 'progress' && event.revision >= revision;

type ChangeEvent = Extract<WatchEvent, { kind: 'put' | 'delete' }>;
export const isChange = (event: WatchEvent): event is ChangeEvent => event.kind === 'put' || event.kind === 'delete';

export const isChangeOf =
  (key: string, kind: 'put' | 'delete' = 'put') =>
  (event: WatchEvent) =>
    event.kind === kind && (event.kind === 'put' ? event.entry.key : event.key) === key;

export const brief = (event: WatchEvent) =>
  event.kind === 'put'
    ? `${event.revision} put ${event.entry.key} ${event.entry.value}`
    : event.kind === 'delete'
      ? `${event.revision} delete ${event.key}`
      : event.kind;
