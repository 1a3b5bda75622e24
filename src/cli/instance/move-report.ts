import type { Operation } from '../api/operation.ts';

/**
 * What a live move took, from the metadata that our server leaves in its operation; undefined for another server, or a
 * move that was not live.
 */
export function moveReport(name: string, target: string, operation: Operation | undefined): string | undefined {
  const [freeze, restore, resume] = ['freeze', 'restore', 'resume'].map(phase =>
    totalMs(operation?.metadata?.[`berth.${phase}_ms`]),
  );
  if (freeze === undefined || restore === undefined || resume === undefined) return undefined;
  return `${name} moved to ${target} while it ran: frozen and sent in ${freeze} ms, restored in ${restore} ms, resumed in ${resume} ms`;
}

/** A phase says its total, or else the times of its parts. Milliseconds. */
function totalMs(phase: unknown): number | undefined {
  if (typeof phase !== 'object' || phase === null) return undefined;
  const parts = phase as Readonly<Record<string, number>>;
  return Math.round(parts.total ?? Object.values(parts).reduce((a, b) => a + b, 0));
}
