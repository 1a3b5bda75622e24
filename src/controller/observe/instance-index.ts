/** Instances by id, following the view: agents know them by nothing else. */
import type { InstanceRecord } from '../../domain/instance.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { INSTANCES } from '../spaces.ts';

export interface InstanceIndex {
  get(id: string): InstanceRecord | undefined;
  close(): void;
}

/** @param onChange told the ids of instances whose record changed. */
export function indexInstances(view: View, onChange: (ids: readonly string[]) => void = () => {}): InstanceIndex {
  const byId = new Map(view.list(INSTANCES).map(({ value }) => [value.id, value]));
  const close = view.onChange(({ changes }) => {
    const ids: string[] = [];
    for (const { key, before, after } of changes) {
      if (!key.startsWith(INSTANCES.prefix)) continue;
      const old = (before as Stored<InstanceRecord> | undefined)?.value;
      const now = (after as Stored<InstanceRecord> | undefined)?.value;
      // A rename changes two keys of one id, in any order: only the record that is indexed may be taken out.
      if (old !== undefined && old.id !== now?.id && byId.get(old.id)?.name === old.name) byId.delete(old.id);
      if (now !== undefined) byId.set(now.id, now);
      ids.push(...[old?.id ?? [], now?.id ?? []].flat());
    }
    if (ids.length > 0) onChange([...new Set(ids)]);
  });
  return { get: id => byId.get(id), close };
}
