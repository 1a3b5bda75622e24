/**
 * What instances use, for `info` and for lists. One instance is asked for, and the answer is good for a second. Lists with
 * `recursion=2` want all of them, often (a dashboard, a watching shell): while they are asked for, hosts tell it by
 * themselves every second, and only who has just started is asked for. A host that does not answer in time costs its
 * instances' details, not the list.
 */
import type { InstanceRecord } from '../../domain/instance.ts';
import type { Clock } from '../../kit/clock.ts';
import type { InstanceState } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Agents } from '../agents.ts';
import { followUsage, type UsageFollower } from './usage-follower.ts';

const FRESH_MS = 1_000;
const TIMEOUT_MS = 2_000;
/** Calls under way at one host: more only wait there. */
const AT_ONCE = 16;

export interface StateCache {
  /** Undefined when the host did not answer in time. */
  get(record: InstanceRecord): Promise<InstanceState | undefined>;
  /** Of many that run, by id, without a status of its own. */
  all(records: readonly InstanceRecord[]): Promise<ReadonlyMap<string, InstanceState>>;
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

  const followers = new Map<string, UsageFollower>();
  const follow = (node: string): UsageFollower => {
    const known = followers.get(node);
    if (known !== undefined) return known;
    const begun = followUsage(
      () => agents.of(node),
      clock,
      () => followers.delete(node),
    );
    followers.set(node, begun);
    return begun;
  };

  const get = (record: InstanceRecord): Promise<InstanceState | undefined> => {
    const now = clock.now();
    const key = `${record.id}/${record.generation}`;
    const fresh = known.get(key);
    if (fresh !== undefined && fresh.until > now) return fresh.state;
    if (known.size > 10_000) for (const [old, { until }] of known) if (until <= now) known.delete(old);
    const state = ask(record);
    known.set(key, { until: now + FRESH_MS, state });
    return state;
  };

  return {
    get,
    all: async records => {
      const told = new Map([...new Set(records.map(({ node }) => node))].map(node => [node, follow(node)]));
      await Promise.all([...told.values()].map(follower => follower.ready()));
      const states = records.map(async record => {
        const state = told.get(record.node)?.get(record.id, record.generation) ?? (await get(record));
        return state === undefined ? [] : [[record.id, { ...state, status: undefined }] as const];
      });
      return new Map((await Promise.all(states)).flat());
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
