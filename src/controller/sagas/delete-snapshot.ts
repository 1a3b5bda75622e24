/** Takes a snapshot away. From the mark on nobody can restore it, for its host may have half of it. */
import { commitDecided } from '../decide.ts';
import { refOf } from '../instances/expanded.ts';
import { findInstance, type InstanceKey } from '../instances/instance-store.ts';
import { findSnapshot } from '../instances/snapshot-store.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { SNAPSHOTS } from '../spaces.ts';

export type DeleteSnapshotInput = InstanceKey & {
  /** UUID of the snapshot. */
  readonly snapshot: string;
};

interface Given {
  readonly input: DeleteSnapshotInput;
}

export const deleteSnapshot = saga<DeleteSnapshotInput>('delete-snapshot', 1)
  .pivot('mark', mark)
  .forward('destroy', destroy)
  .end();

async function mark(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = findSnapshot(context.view, input.id, input.snapshot);
    if (stored === undefined || stored.value.phase === 'deleting') return undefined;
    return SNAPSHOTS.replace(stored, { ...stored.value, phase: 'deleting' });
  });
}

/** Its record goes last: while it is there, the reconciler `snapshot-expiry` finishes what a lost host left undone. */
async function destroy(context: StepContext, { input }: Given): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  if (record !== undefined) {
    const ref = { instance: refOf(record, record.generation), snapshot: input.snapshot };
    await context.agents.of(record.node).ensureNoSnapshot(ref);
  }
  await commitDecided(context, () => {
    const stored = findSnapshot(context.view, input.id, input.snapshot);
    return stored && SNAPSHOTS.remove(stored);
  });
}
