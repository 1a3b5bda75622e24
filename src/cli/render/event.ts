import type { ServerEvent } from '../api/events.ts';
import type { Operation } from '../api/operation.ts';
import { progressOf } from '../api/operation.ts';

export type Format = 'yaml' | 'json' | 'pretty';

/** One line: when, where, what. */
export function prettyEvent(event: ServerEvent): string {
  const time = event.timestamp.slice(11, 23);
  return [time, event.location ?? '', event.type.toUpperCase().padEnd(9), describe(event)]
    .filter(part => part !== '')
    .join(' ');
}

function describe({ type, metadata }: ServerEvent): string {
  const fields = (metadata ?? {}) as Readonly<Record<string, unknown>>;
  if (type === 'operation') {
    const operation = metadata as Operation;
    return [operation.description, operation.status, progressOf(operation), operation.err, operation.id]
      .filter(Boolean)
      .join(' · ');
  }
  if (type === 'lifecycle') return [fields.action, fields.source, pairs(fields.context)].filter(Boolean).join(' ');
  return [String(fields.level ?? '').toUpperCase(), fields.message, pairs(fields.context)].filter(Boolean).join(' ');
}

function pairs(context: unknown): string {
  return Object.entries((context ?? {}) as object)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
