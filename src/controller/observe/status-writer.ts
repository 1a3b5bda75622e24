/**
 * The only writer of `status` and `node-status`: compares what was said with what is stored and writes the difference. Each
 * write is guarded by the leader's key, so that one who was deposed without noticing writes nothing.
 */
import { fail } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Store, Write } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Log } from '../log.ts';
import { clusterSetting } from '../server-config.ts';
import { INSTANCES, LEADER, NODE_STATUS, NODES, STATUS } from '../spaces.ts';
import type { NodeNews } from './follow-node.ts';
import { indexInstances } from './instance-index.ts';
import { nextNodeStatus } from './next-node-status.ts';
import { nextStatus, sameStatus } from './next-status.ts';

export interface StatusWriterOptions {
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly log: Log;
  /** Revision of the leader's key. */
  readonly leadership: bigint;
  /** How often all nodes are looked at, also those that say nothing: silence makes no event. */
  readonly tickMs: number;
  readonly newsOf: (node: string) => NodeNews | undefined;
  readonly onOffline: (node: string) => void;
}

export interface StatusWriter {
  /** Something is new of a node, and of these instances. */
  heard(node: string, ids: readonly string[]): void;
  close(): void;
}

const RETRY_MS = 500;
/** Writes of one transaction, well below the store's limit of operations. */
const BATCH = 100;

export function openStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { store, view, clock, log, newsOf } = options;
  const closed = new AbortController();
  const nodes = new Set<string>();
  const instances = new Set<string>();
  const writtenAt = new Map<string, number>();
  let wake = Promise.withResolvers<void>();

  const touch = (ids: readonly string[]): void => {
    for (const id of ids) instances.add(id);
    wake.resolve();
  };
  const touchAllNodes = (): void => {
    for (const { value } of [...view.list(NODES), ...view.list(NODE_STATUS)]) nodes.add(value.name);
    wake.resolve();
  };
  const index = indexInstances(view, touch);

  const nodeWrite = (node: string): readonly Write[] => {
    const key = NODE_STATUS.key(node);
    const before = view.get(key)?.value;
    const news = newsOf(node);
    if (news === undefined) return before === undefined ? [] : [{ delete: key }];
    const now = clock.now();
    const thresholdMs = 1000 * clusterSetting(view, 'cluster.offline_threshold');
    const next = nextNodeStatus(node, news, before, { now, thresholdMs, writtenAt: writtenAt.get(node) ?? 0 });
    if (next === undefined) return [];
    writtenAt.set(node, now);
    if (next.state !== before?.state) {
      log[next.state === 'online' ? 'info' : 'warn'](`node is ${next.state}`, { node, detail: next.detail });
      if (next.state === 'offline') options.onOffline(node);
      touch(
        view
          .list(INSTANCES)
          .filter(({ value }) => value.node === node)
          .map(({ value }) => value.id),
      );
    }
    return [NODE_STATUS.put(key, next)];
  };

  const instanceWrite = (id: string): readonly Write[] => {
    const key = STATUS.key(id);
    const before = view.get(key)?.value;
    const record = index.get(id);
    const node = record?.node ?? '';
    const news = node === '' ? undefined : newsOf(node);
    const online = news === undefined || view.get(NODE_STATUS.key(node))?.value.state !== 'offline';
    const next = nextStatus(record, news && { ...news, online }, before, clock.now());
    if (sameStatus(before, next)) return [];
    return [next === undefined ? { delete: key } : STATUS.put(key, next)];
  };

  const commit = async (writes: readonly Write[]): Promise<void> => {
    if (writes.length === 0) return;
    const guard = { key: LEADER.key('reconcilers'), modRevision: options.leadership };
    const result = await store.commit({ guards: [guard], writes });
    await view.reached(result.revision, closed.signal);
    if (result.kind === 'refused') fail('conflict', 'another controller leads now');
  };

  /** What could not be written is dirty again. */
  const flush = async (dirty: Set<string>, writesOf: (name: string) => readonly Write[]): Promise<void> => {
    const names = [...dirty];
    dirty.clear();
    for (let i = 0; i < names.length; i += BATCH) {
      try {
        await commit(names.slice(i, i + BATCH).flatMap(writesOf));
      } catch (error) {
        for (const name of names.slice(i)) dirty.add(name);
        throw error;
      }
    }
  };

  const write = async (): Promise<void> => {
    for (;;) {
      wake = Promise.withResolvers();
      try {
        await flush(nodes, nodeWrite);
        await flush(instances, instanceWrite);
      } catch (error) {
        closed.signal.throwIfAborted();
        log.warn('status was not written, trying again', { error });
        await clock.sleep(RETRY_MS, closed.signal);
        continue;
      }
      if (nodes.size === 0 && instances.size === 0) await wake.promise;
      closed.signal.throwIfAborted();
    }
  };
  const tick = async (): Promise<void> => {
    for (;;) {
      touchAllNodes();
      await clock.sleep(options.tickMs, closed.signal);
    }
  };

  touch(view.list(STATUS).map(({ value }) => value.id)); // of instances that went while nobody led
  for (const loop of [write, tick]) loop().catch(() => {}); // both end by the abort of close()
  return {
    heard: (node, ids) => {
      nodes.add(node);
      touch(ids);
    },
    close: () => {
      closed.abort();
      wake.resolve();
      index.close();
    },
  };
}
