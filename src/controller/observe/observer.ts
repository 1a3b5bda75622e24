/**
 * The only writer of `status` and `node-status`: follows every agent and writes what changed. Runs on the leader; each
 * write is guarded by the leader's key, so that one who was deposed without noticing writes nothing.
 */
import type { NodeStatusRecord } from '../../domain/node.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Store, Write } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Log } from '../log.ts';
import { clusterSetting } from '../server-config.ts';
import { INSTANCES, LEADER, NETWORKS, NODE_STATUS, NODES, POOLS, STATUS } from '../spaces.ts';
import { followNode, type NodeFollower, type NodeNews } from './follow-node.ts';
import { indexInstances } from './instance-index.ts';
import { nextNodeStatus } from './next-node-status.ts';
import { nextStatus, sameStatus } from './next-status.ts';

export interface ObserverOptions {
  readonly store: Store;
  readonly view: View;
  readonly agents: Agents;
  readonly clock: Clock;
  readonly log: Log;
  /** Revision of the leader's key. */
  readonly leadership: bigint;
  readonly heartbeatMs?: number;
}

export interface Observer {
  /** What the agents said last, by node. */
  news(node: string): NodeNews | undefined;
  /** Asks a node's host for its facts again. */
  refresh(node: string): void;
  close(): void;
}

const HEARTBEAT_MS = 1_000;
const RETRY_MS = 500;
/** Statuses of one transaction, well below the store's limit of operations. */
const BATCH = 100;

export function openObserver(options: ObserverOptions): Observer {
  const { store, view, agents, clock, log } = options;
  const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
  const closed = new AbortController();
  const followers = new Map<string, NodeFollower>();
  const dirty = new Set<string>();
  const writtenAt = new Map<string, number>();
  let wake = Promise.withResolvers<void>();

  const touch = (ids: Iterable<string>): void => {
    for (const id of ids) dirty.add(id);
    wake.resolve();
  };
  const index = indexInstances(view, touch);

  const syncFollowers = (): void => {
    for (const node of followers.keys()) {
      if (view.get(NODES.key(node)) !== undefined) continue;
      followers.get(node)!.close();
      followers.delete(node);
    }
    for (const { value } of view.list(NODES)) {
      const { name } = value;
      if (!followers.has(name))
        followers.set(name, followNode({ node: name, agents, clock, heartbeatMs, onNews: touch }));
    }
    wake.resolve();
  };
  const stopListening = view.onChange(({ changes }) => {
    if (changes.some(({ key }) => key.startsWith(NODES.prefix))) syncFollowers();
    if (changes.some(({ key }) => key.startsWith(NETWORKS.prefix) || key.startsWith(POOLS.prefix)))
      for (const follower of followers.values()) follower.refresh();
  });

  const stateOf = (node: string): NodeStatusRecord['state'] => view.get(NODE_STATUS.key(node))?.value.state ?? 'online';

  const nodeWrites = (): { readonly writes: readonly Write[]; readonly turned: ReadonlySet<string> } => {
    const now = clock.now();
    const thresholdMs = 1000 * clusterSetting(view, 'cluster.offline_threshold');
    const writes: Write[] = [];
    const turned = new Set<string>();
    for (const [node, follower] of followers) {
      const before = view.get(NODE_STATUS.key(node))?.value;
      const next = nextNodeStatus(node, follower.news(), before, {
        now,
        thresholdMs,
        writtenAt: writtenAt.get(node) ?? 0,
      });
      if (next === undefined) continue;
      if (next.state !== before?.state) {
        turned.add(node);
        log[next.state === 'online' ? 'info' : 'warn'](`node is ${next.state}`, { node, detail: next.detail });
        if (next.state === 'offline') follower.restart();
      }
      writes.push(NODE_STATUS.put(NODE_STATUS.key(node), next));
      writtenAt.set(node, now);
    }
    for (const { key, value } of view.list(NODE_STATUS)) if (!followers.has(value.name)) writes.push({ delete: key });
    return { writes, turned };
  };

  const statusWrites = (ids: readonly string[]): Write[] =>
    ids.flatMap(id => {
      const key = STATUS.key(id);
      const before = view.get(key)?.value;
      const record = index.get(id);
      const news = record && followers.get(record.node)?.news();
      const report = news && { ...news, online: stateOf(record.node) === 'online' };
      const next = nextStatus(record, report, before, clock.now());
      if (sameStatus(before, next)) return [];
      return [next === undefined ? { delete: key } : STATUS.put(key, next)];
    });

  const commit = async (writes: readonly Write[]): Promise<void> => {
    if (writes.length === 0) return;
    const guard = { key: LEADER.key('reconcilers'), modRevision: options.leadership };
    const result = await store.commit({ guards: [guard], writes });
    await view.reached(result.revision, closed.signal);
    if (result.kind === 'refused') throw new Error('not the leader any more');
  };

  const write = async (): Promise<void> => {
    const { writes, turned } = nodeWrites();
    await commit(writes);
    const there = view.list(INSTANCES).filter(({ value }) => turned.has(value.node));
    for (const { value } of there) dirty.add(value.id);
    const ids = [...dirty];
    dirty.clear();
    for (let i = 0; i < ids.length; i += BATCH) {
      const batch = ids.slice(i, i + BATCH);
      try {
        await commit(statusWrites(batch));
      } catch (error) {
        touch(ids.slice(i));
        throw error;
      }
    }
  };

  const loop = async (): Promise<void> => {
    for (;;) {
      wake = Promise.withResolvers();
      await write().catch(error => {
        if (!closed.signal.aborted) log.warn('status was not written, trying again', { error });
        return clock.sleep(RETRY_MS, closed.signal);
      });
      // The tick is for nodes that say nothing: silence makes no event.
      const tick = new AbortController();
      const end = AbortSignal.any([tick.signal, closed.signal]);
      await Promise.race([wake.promise, clock.sleep(heartbeatMs, end).catch(() => {})]);
      tick.abort();
      closed.signal.throwIfAborted();
    }
  };

  syncFollowers();
  touch(view.list(STATUS).map(({ value }) => value.id)); // those of instances that are gone, and of hosts that went
  loop().catch(() => {}); // ends by the abort of close()
  return {
    news: node => followers.get(node)?.news(),
    refresh: node => followers.get(node)?.refresh(),
    close: () => {
      closed.abort();
      stopListening();
      index.close();
      for (const follower of followers.values()) follower.close();
    },
  };
}
