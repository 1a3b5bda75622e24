/** Keeps one stream of observations from one agent, whatever happens to it, and keeps in mind what it said last. */
import { AppError } from '../../domain/errors.ts';
import type { HostFacts, PoolFacts } from '../../domain/node.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Observation } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Agents } from '../agents.ts';
import { hostFacts, poolFacts } from './host-facts.ts';
import type { Report } from './next-status.ts';

/** What an agent said last. */
export interface NodeNews {
  /** When it last spoke (ms since the epoch); until then when it was first called. */
  readonly heardAt: number;
  /** It has spoken since it is followed. */
  readonly reached: boolean;
  /** Why there is no stream, for a person; '' while there is one. */
  readonly trouble: string;
  /** Undefined until it was reached. */
  readonly host: HostFacts | undefined;
  readonly bootId: string;
  readonly memoryUsedBytes: number;
  readonly load1: number;
  readonly pools: readonly PoolFacts[];
  /** It has listed all that it has. */
  readonly complete: boolean;
  readonly instances: ReadonlyMap<string, Report>;
}

export interface NodeFollower {
  readonly news: () => NodeNews;
  /** Asks for the host's facts again: something was made on it. */
  refresh(): void;
  /** Breaks a stream that says nothing any more. */
  restart(): void;
  close(): void;
}

export interface FollowOptions {
  readonly node: string;
  readonly agents: Agents;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** Told which instances changed (may be none). */
  readonly onNews: (ids: readonly string[]) => void;
}

const RETRY_MS = 500;

export function followNode({ node, agents, clock, heartbeatMs, onNews }: FollowOptions): NodeFollower {
  const closed = new AbortController();
  let stream = new AbortController();
  let news: NodeNews = {
    heardAt: clock.now(),
    reached: false,
    trouble: 'not reached yet',
    host: undefined,
    bootId: '',
    memoryUsedBytes: 0,
    load1: 0,
    pools: [],
    complete: false,
    instances: new Map(),
  };

  const readFacts = async (signal: AbortSignal): Promise<void> => {
    const host = await agents.of(node).getHost({}, { signal });
    news = { ...news, host: hostFacts(host), bootId: host.bootId, pools: poolFacts(host.pools) };
  };

  const follow = async (): Promise<void> => {
    for (;;) {
      stream = new AbortController();
      const signal = AbortSignal.any([closed.signal, stream.signal]);
      let trouble = 'its agent ended the stream';
      try {
        await readFacts(signal);
        for await (const observation of agents.of(node).observe({ heartbeatMs }, { signal })) {
          const { next, ids } = hear(news, observation, clock.now());
          news = next;
          onNews(ids);
        }
      } catch (thrown) {
        trouble = AppError.from(thrown).message;
      }
      if (closed.signal.aborted) return;
      news = { ...news, trouble };
      onNews([]);
      await clock.sleep(RETRY_MS, closed.signal);
    }
  };
  follow().catch(() => {}); // ends by the abort of close()

  return {
    news: () => news,
    refresh: () => {
      // A host that does not answer is asked again when its stream comes back.
      void readFacts(closed.signal).then(
        () => onNews([]),
        () => {},
      );
    },
    restart: () => stream.abort(),
    close: () => closed.abort(),
  };
}

/** @returns the news after an observation, and which instances it was about. */
function hear(
  before: NodeNews,
  observation: Observation,
  now: number,
): { readonly next: NodeNews; readonly ids: readonly string[] } {
  const instances = new Map(observation.full ? [] : before.instances);
  for (const id of observation.gone) instances.delete(id);
  for (const { id, generation, state, pid, detail, since } of observation.instances) {
    instances.set(id, { generation: Number(generation), state, pid: Number(pid), detail, since: Number(since) });
  }
  const next: NodeNews = {
    ...before,
    heardAt: now,
    reached: true,
    trouble: '',
    bootId: observation.bootId || before.bootId,
    memoryUsedBytes: Number(observation.memoryUsedBytes),
    load1: observation.load1,
    pools: observation.pools.length > 0 ? poolFacts(observation.pools) : before.pools,
    complete: before.complete || observation.full,
    instances,
  };
  const named = [...observation.instances.map(({ id }) => id), ...observation.gone];
  return { next, ids: observation.full ? [...new Set([...named, ...before.instances.keys()])] : named };
}
