/**
 * What `/1.0/events` says. Operation and lifecycle events are drawn from the view, so that every front end tells every
 * event of the cluster once, whichever controller or node did the work; logging events are this controller's own.
 */
import { hostname } from 'node:os';
import type { View } from '../../store/view.ts';
import type { Log } from '../log.ts';
import { lifecycleOf } from './lifecycle.ts';
import type { Operations } from './operations-index.ts';

export const EVENT_TYPES = ['operation', 'lifecycle', 'logging'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface ApiEvent {
  readonly type: EventType;
  readonly timestamp: string;
  readonly metadata: unknown;
  /** The member it is from. */
  readonly location: string;
  readonly project: string;
}

export interface EventFeed {
  /** @returns what ends it. */
  subscribe(listener: (event: ApiEvent) => void): () => void;
  close(): void;
}

export function openEventFeed(view: View, operations: Operations, log: Log): EventFeed {
  const listeners = new Set<(event: ApiEvent) => void>();
  const tell = (event: ApiEvent) => {
    for (const listener of [...listeners]) listener(event);
  };
  const now = () => new Date().toISOString();

  const stopView = view.onChange(({ changes }) => {
    if (listeners.size === 0) return;
    for (const change of changes) {
      const found = operations.changed(change);
      if (found !== undefined) {
        const { operation, project } = found;
        tell({ type: 'operation', timestamp: now(), metadata: operation, location: operation.location, project });
        continue;
      }
      for (const { project, location, ...metadata } of lifecycleOf(change, view))
        tell({ type: 'lifecycle', timestamp: now(), metadata, location, project });
    }
  });
  const stopLog = log.onEntry(({ level, time, message, context }) =>
    tell({
      type: 'logging',
      timestamp: time,
      metadata: { level, message, context },
      location: hostname(),
      project: 'default',
    }),
  );
  return {
    subscribe: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      stopView();
      stopLog();
      listeners.clear();
    },
  };
}
