/**
 * What the instances of one host use, as its agent tells it every second while somebody asks for it: lists are answered
 * from memory. Nobody has asked for half a minute: it hangs up.
 */
import type { Clock } from '../../kit/clock.ts';
import type { AgentClient } from '../../rpc/agent-services.ts';
import type { InstanceState } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';

const PERIOD_MS = 1_000;
/** A report older than this is of a host that has stopped telling. */
const OLDEST_MS = 2_500;
const UNASKED_MS = 30_000;
/** How long a list waits for the first report. */
const FIRST_MS = 2_000;

export interface UsageFollower {
  /** @returns undefined when it is not known, e.g. of an instance that has just started. */
  get(id: string, generation: number): InstanceState | undefined;
  /** Resolves when there is a report to read from, or none is to be had soon. */
  ready(): Promise<void>;
}

/** @param onEnd told once, when it follows no more. */
export function followUsage(agent: () => AgentClient, clock: Clock, onEnd: () => void): UsageFollower {
  const end = new AbortController();
  const first = Promise.withResolvers<void>();
  let askedAt = clock.now();
  let heardAt = Number.NEGATIVE_INFINITY;
  let latest: ReadonlyMap<string, InstanceState> = new Map();
  const keyOf = (id: string, generation: number | bigint) => `${id}/${generation}`;

  const follow = async (): Promise<void> => {
    for await (const { instances } of agent().observeUsage({ periodMs: PERIOD_MS }, { signal: end.signal })) {
      latest = new Map(
        instances.flatMap(({ id, generation, state }) => (state ? [[keyOf(id, generation), state]] : [])),
      );
      heardAt = clock.now();
      first.resolve();
      if (clock.now() - askedAt > UNASKED_MS) return;
    }
  };
  follow()
    .catch(() => {}) // a host that cannot be reached: the next list tries again
    .finally(() => {
      end.abort();
      first.resolve();
      onEnd();
    });

  return {
    get: (id, generation) => (clock.now() - heardAt > OLDEST_MS ? undefined : latest.get(keyOf(id, generation))),
    ready: async () => {
      askedAt = clock.now();
      const waited = new AbortController();
      await Promise.race([first.promise, clock.sleep(FIRST_MS, waited.signal).catch(() => {})]);
      waited.abort();
    },
  };
}
