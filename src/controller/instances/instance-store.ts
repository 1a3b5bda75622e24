/** Reads instances from the view, and takes them away with everything that they hold. */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { type Stored, together } from '../../store/keyspace.ts';
import type { Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { ADDRESSES, INSTANCE_METADATA, INSTANCES } from '../spaces.ts';
import { release } from './allocations.ts';

/** Names an instance for good: its name may be given to another one later. */
// A type, not an interface: it is part of the stored input of sagas, which must be JSON by its type.
export type InstanceKey = { readonly project: string; readonly name: string; readonly id: string };

/** @throws AppError `not-found` in LXD's words, also while it is being created. */
export function getInstance(view: View, project: string, name: string): Stored<InstanceRecord> {
  const stored = view.get(INSTANCES.key(project, name));
  if (stored === undefined || stored.value.phase === 'creating') fail('not-found', 'Instance not found');
  return stored;
}

/** The very instance, or undefined if it is gone (and its name perhaps taken by another). */
export function findInstance(view: View, { project, name, id }: InstanceKey): Stored<InstanceRecord> | undefined {
  const stored = view.get(INSTANCES.key(project, name));
  return stored?.value.id === id ? stored : undefined;
}

/** @throws AppError `not-found`. */
export function needInstance(view: View, key: InstanceKey): Stored<InstanceRecord> {
  return findInstance(view, key) ?? fail('not-found', 'Instance not found');
}

/** Record, addresses, metadata and allocations, all or nothing. */
export function removal(view: View, stored: Stored<InstanceRecord>): Transaction {
  const { id, node, requests, moving } = stored.value;
  const addresses = view.list(ADDRESSES).filter(({ value }) => value.instance === id);
  return together(
    INSTANCES.remove(stored),
    ...(node === '' ? [] : [release(view, node, requests)]),
    ...(moving === undefined ? [] : [release(view, moving.to, requests)]),
    {
      guards: [],
      writes: [...addresses.map(({ key }) => ({ delete: key })), INSTANCE_METADATA.delete(INSTANCE_METADATA.key(id))],
    },
  );
}
