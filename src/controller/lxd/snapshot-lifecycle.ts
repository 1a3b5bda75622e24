/** Lifecycle events of snapshots, read off what changed in the store. Pure. */
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import type { Change, View } from '../../store/view.ts';
import { INSTANCES, SNAPSHOTS } from '../spaces.ts';
import type { Lifecycle } from './lifecycle.ts';

/** @param all changes of the same transaction: a rename is two of them. */
export function snapshotLifecycle(change: Change, all: readonly Change[], view: View): readonly Lifecycle[] {
  const old = visible(change.before);
  const present = visible(change.after);
  const twin = (side: 'before' | 'after', id: string) =>
    all.find(each => each !== change && each.key.startsWith(SNAPSHOTS.prefix) && visible(each[side])?.id === id);
  if (old === undefined && present !== undefined) {
    const from = twin('before', present.id)?.before?.value as SnapshotRecord | undefined;
    if (from === undefined) return [about(view, present, 'created')];
    return [about(view, present, 'renamed', { old_name: from.name })];
  }
  if (old !== undefined && present === undefined)
    return twin('after', old.id) === undefined ? [about(view, old, 'deleted')] : [];
  return old?.expiresAt === present?.expiresAt ? [] : [about(view, present!, 'updated')];
}

function visible(stored: Change['after']): SnapshotRecord | undefined {
  const record = stored?.value as SnapshotRecord | undefined;
  return record?.phase === 'creating' ? undefined : record;
}

/** When the instance is gone already, so is its name: then its id stands for it. */
function about(view: View, record: SnapshotRecord, verb: string, context: Readonly<Record<string, string>> = {}) {
  const instance = view.list(INSTANCES).find(({ value }) => value.id === record.instance)?.value;
  return {
    action: `instance-snapshot-${verb}`,
    source: `/1.0/instances/${instance?.name ?? record.instance}/snapshots/${record.name}`,
    context,
    project: instance?.project ?? 'default',
    location: instance?.node || 'none',
  };
}
