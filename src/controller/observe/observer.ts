/** Follows every agent, as long as its node is in the cluster. What they say is written by the status writer alone. */
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Log } from '../log.ts';
import { NETWORKS, NODES, POOLS } from '../spaces.ts';
import { followNode, type NodeFollower, type NodeNews } from './follow-node.ts';
import { openStatusWriter } from './status-writer.ts';

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
  /** What a node's agent said last; undefined for a node that is not in the cluster. */
  news(node: string): NodeNews | undefined;
  /** Asks a node's host for its facts again. */
  refresh(node: string): void;
  close(): void;
}

const HEARTBEAT_MS = 1_000;

export function openObserver(options: ObserverOptions): Observer {
  const { view, agents, clock } = options;
  const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
  const followers = new Map<string, NodeFollower>();
  const writer = openStatusWriter({
    ...options,
    tickMs: heartbeatMs,
    newsOf: node => followers.get(node)?.news(),
    onOffline: node => followers.get(node)?.restart(),
  });

  const follow = (node: string): NodeFollower =>
    followNode({ node, agents, clock, heartbeatMs, onNews: ids => writer.heard(node, ids) });

  const sync = (): void => {
    for (const [node, follower] of followers) {
      if (view.get(NODES.key(node)) !== undefined) continue;
      follower.close();
      followers.delete(node);
      writer.heard(node, []);
    }
    for (const { value } of view.list(NODES)) {
      if (!followers.has(value.name)) followers.set(value.name, follow(value.name));
    }
  };
  const stopListening = view.onChange(({ changes }) => {
    const touches = (space: { readonly prefix: string }) => changes.some(({ key }) => key.startsWith(space.prefix));
    if (touches(NODES)) sync();
    if (touches(NETWORKS) || touches(POOLS)) for (const follower of followers.values()) follower.refresh();
  });
  sync();
  return {
    news: node => followers.get(node)?.news(),
    refresh: node => followers.get(node)?.refresh(),
    close: () => {
      stopListening();
      writer.close();
      for (const follower of followers.values()) follower.close();
    },
  };
}
