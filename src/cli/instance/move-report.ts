import type { Operation } from '../api/operation.ts';
import { movePhases } from './move-phases.ts';

/** What a live move took, in a line; undefined for another server, or a move that was not live. */
export function moveReport(name: string, target: string, operation: Operation | undefined): string | undefined {
  const found = movePhases(operation?.metadata);
  if (found === undefined) return undefined;
  const parts = Object.entries(found.phases).map(([phase, ms]) => `${phase} ${Math.round(ms)}`);
  return `${name} moved to ${target} while it ran: it stood still for ${Math.round(found.pauseMs)} ms (${parts.join(', ')})`;
}
