/**
 * Asks hosts for the state of many instances at once: lists with `recursion=2` want all of them, often (a dashboard, a
 * watching shell). An answer is good for a second; a host that does not answer in time costs its instances' details, not
 * the list.
 */
import type { InstanceRecord } from '../../domain/instance.ts';
import type { Clock } from '../../kit/clock.ts';
import type { InstanceState } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Agents } from '../agents.ts';

const FRESH_MS = 1_000;
const TIMEOUT_MS = 2_000;
/** Calls under way at one host: more only wait there. */
const AT_ONCE = 16;

export interface StateCache {
  /** Undefined when the host did not answer in time. */
  get(record: InstanceRecord): Promise<InstanceState | undefined>;
}

export function openStateCache(agents: Agents, clock: Clock): StateCache {
  const known = new Map<string, { readonly until: number; readonly state: Promise<InstanceState | undefined> }>();
  const turns = new Map<string, Turns>();

  const ask = async (record: InstanceRecord): Promise<InstanceState | undefined> => {
    const turn = turns.get(record.node) ?? takeTurns(AT_ONCE);
    turns.set(record.node, turn);
    const ref = { id: record.id, generation: BigInt(record.generation) };
    return turn(() => agents.of(record.node).getInstanceState(ref, { timeoutMs: TIMEOUT_MS })).catch(() => undefined);
  };

  return {
    get: record => {
      const now = clock.now();
      const key = `${record.id}/${record.generation}`;
      const fresh = known.get(key);
      if (fresh !== undefined && fresh.until > now) return fresh.state;
      if (known.size > 10_000) for (const [old, { until }] of known) if (until <= now) known.delete(old);
      const state = ask(record);
      known.set(key, { until: now + FRESH_MS, state });
      return state;
    },
  };
}

type Turns = <T>(task: () => Promise<T>) => Promise<T>;

function takeTurns(atOnce: number): Turns {
  let free = atOnce;
  const queue: (() => void)[] = [];
  return async task => {
    if (free > 0) free--;
    else await new Promise<void>(resolve => queue.push(resolve));
    try {
      return await task();
    } finally {
      const next = queue.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
