/** What is written about an instance, given what its agent said: pure. */
import type { InstanceRecord, Seen, StatusRecord } from '../../domain/instance.ts';
import { SEEN } from '../../domain/instance.ts';

/** One line of an agent's report. */
export interface Report {
  readonly generation: number;
  readonly state: string;
  readonly pid: number;
  readonly detail: string;
  readonly since: number;
}

export interface NodeReport {
  readonly online: boolean;
  /** The agent has listed all that it has, at least once since we follow it. */
  readonly complete: boolean;
  readonly instances: ReadonlyMap<string, Report>;
}

/**
 * @param before what is stored.
 * @returns what shall be stored; undefined = nothing is known (a new instance), or the record is gone.
 */
export function nextStatus(
  record: InstanceRecord | undefined,
  report: NodeReport | undefined,
  before: StatusRecord | undefined,
  now: number,
): StatusRecord | undefined {
  if (record === undefined || record.node === '') return undefined;
  const { id, node, generation } = record;
  const unseen = (state: Seen, detail: string): StatusRecord => {
    const same = before?.state === state && before.node === node && before.detail === detail;
    return same ? before : { id, node, generation, state, pid: 0, detail, since: now };
  };
  if (report?.online === false) return unseen('unknown', `node ${node} is offline`);
  const line = report?.instances.get(id);
  if (line !== undefined && line.generation === generation) {
    const state = SEEN.find(each => each === line.state) ?? 'error';
    return { id, node, generation, state, pid: line.pid, detail: line.detail, since: line.since };
  }
  // A host that had it and has it no more; one that never had it may be about to get it.
  const had = before?.node === node && before.generation === generation;
  if (report?.complete === true && had) return unseen('error', `node ${node} does not have it any more`);
  return before;
}

export function sameStatus(a: StatusRecord | undefined, b: StatusRecord | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
