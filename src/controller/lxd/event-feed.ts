/**
 * What `/1.0/events` says. Operation and lifecycle events are drawn from the view, so that every front end tells every
 * event of the cluster once, whichever controller or node did the work; logging events are this controller's own.
 */
import { hostname } from 'node:os';
import type { Change, View } from '../../store/view.ts';
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

/** Some events are not for everybody: the log, and tokens with their secrets. */
export type Listener = (event: ApiEvent, audience: 'all' | 'admins') => void;

export interface EventFeed {
  /** @returns what ends it. */
  subscribe(listener: Listener): () => void;
  close(): void;
}

export function openEventFeed(view: View, operations: Operations, log: Log): EventFeed {
  const listeners = new Set<Listener>();
  const tell: Listener = (event, audience) => {
    for (const listener of [...listeners]) listener(event, audience);
  };
  const tellChange = (change: Change, timestamp: string) => {
    const found = operations.changed(change);
    if (found === undefined) return;
    const { operation, project, source } = found;
    const audience = source.kind === 'token' ? 'admins' : 'all';
    tell({ type: 'operation', timestamp, metadata: operation, location: operation.location, project }, audience);
  };

  const stopView = view.onChange(({ changes }) => {
    if (listeners.size === 0) return;
    const timestamp = new Date().toISOString();
    for (const change of changes) tellChange(change, timestamp);
    for (const { project, location, ...metadata } of lifecycleOf(changes, view))
      tell({ type: 'lifecycle', timestamp, metadata, location, project }, 'all');
  });
  const stopLog = log.onEntry(({ level, time, message, context }) =>
    tell(
      {
        type: 'logging',
        timestamp: time,
        metadata: { level, message, context },
        location: hostname(),
        project: 'default',
      },
      'admins',
    ),
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
