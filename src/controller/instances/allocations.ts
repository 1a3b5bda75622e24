/** What is promised on each node, changed in the same transaction as the instance it is promised to. */
import type { AllocationRecord } from '../../domain/node.ts';
import type { Requests } from '../../domain/resources.ts';
import { NOTHING, plus } from '../../domain/resources.ts';
import type { Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { ALLOCATIONS } from '../spaces.ts';

export const NO_ALLOCATION: AllocationRecord = { instances: 0, requests: NOTHING };

/** One instance more on `node`. Guarded: nobody promised anything on it since the view was read. */
export function allocate(view: View, node: string, requests: Requests): Transaction {
  return change(view, node, 1, requests);
}

export function release(view: View, node: string, requests: Requests): Transaction {
  return change(view, node, -1, minus(NOTHING, requests));
}

/** An instance that stays where it is asks for something else. */
export function reallocate(view: View, node: string, before: Requests, after: Requests): Transaction {
  const same = before.cpuMillis === after.cpuMillis && before.memoryBytes === after.memoryBytes;
  if (same && before.diskBytes === after.diskBytes) return { guards: [], writes: [] };
  return change(view, node, 0, minus(after, before));
}

/** What covers both: held while it is not decided which of them it will be. */
export function greatest(a: Requests, b: Requests): Requests {
  return {
    cpuMillis: Math.max(a.cpuMillis, b.cpuMillis),
    memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
    diskBytes: Math.max(a.diskBytes, b.diskBytes),
  };
}

function change(view: View, node: string, instances: number, requests: Requests): Transaction {
  const key = ALLOCATIONS.key(node);
  const stored = view.get(key);
  const old = stored?.value ?? NO_ALLOCATION;
  const next: AllocationRecord = { instances: old.instances + instances, requests: plus(old.requests, requests) };
  const guards = [{ key, modRevision: stored?.modRevision ?? 0n }];
  // A key of nothing is no key: the store looks as it did before.
  if (next.instances === 0) return { guards, writes: stored === undefined ? [] : [{ delete: key }] };
  return { guards, writes: [ALLOCATIONS.put(key, next)] };
}

function minus(a: Requests, b: Requests): Requests {
  return {
    cpuMillis: a.cpuMillis - b.cpuMillis,
    memoryBytes: a.memoryBytes - b.memoryBytes,
    diskBytes: a.diskBytes - b.diskBytes,
  };
}
