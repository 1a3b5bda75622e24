/**
 * How many instances of each kind every node holds, so that the scheduler can spread them. Counted once for a view and kept
 * by its changes: a placement must not cost a walk through all instances.
 */
import type { InstanceRecord } from '../../domain/instance.ts';
import type { View } from '../../store/view.ts';
import { INSTANCES } from '../spaces.ts';

export type Kinds = ReadonlyMap<string, number>;

const counted = new WeakMap<View, Map<string, Map<string, number>>>();

/** Instances of one image with the same profiles are of one kind. */
export function kindOf({ image, profiles }: Pick<InstanceRecord, 'image' | 'profiles'>): string {
  return `${image} ${profiles.join(' ')}`;
}

/** By name of the node; one that is being moved counts on both sides. */
export function kindsByNode(view: View): ReadonlyMap<string, Kinds> {
  const known = counted.get(view);
  if (known !== undefined) return known;
  const byNode = new Map<string, Map<string, number>>();
  for (const { value } of view.list(INSTANCES)) count(byNode, value, 1);
  view.onChange(({ changes }) => {
    for (const { key, before, after } of changes) {
      if (!key.startsWith(INSTANCES.prefix)) continue;
      if (before !== undefined) count(byNode, before.value as InstanceRecord, -1);
      if (after !== undefined) count(byNode, after.value as InstanceRecord, 1);
    }
  });
  counted.set(view, byNode);
  return byNode;
}

function count(byNode: Map<string, Map<string, number>>, record: InstanceRecord, by: number): void {
  for (const node of [record.node, record.moving?.to ?? '']) {
    if (node === '') continue;
    const kinds = byNode.get(node) ?? new Map<string, number>();
    const kind = kindOf(record);
    const now = (kinds.get(kind) ?? 0) + by;
    if (now === 0) kinds.delete(kind);
    else kinds.set(kind, now);
    byNode.set(node, kinds);
  }
}
