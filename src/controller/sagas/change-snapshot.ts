/** Another name for a snapshot, or another day for it to end: hosts know neither. */
import { AppError, fail } from '../../domain/errors.ts';
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import type { InstanceKey } from '../instances/instance-store.ts';
import { findSnapshot } from '../instances/snapshot-store.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { SNAPSHOTS } from '../spaces.ts';

export type ChangeSnapshotInput = InstanceKey & {
  /** UUID of the snapshot. */
  readonly snapshot: string;
  readonly newName?: string;
  readonly expiresAt?: string;
};

export const changeSnapshot = saga<ChangeSnapshotInput>('change-snapshot', 1).pivot('change', change).end();

async function change(context: StepContext, { input }: { readonly input: ChangeSnapshotInput }): Promise<void> {
  const { view } = context;
  await commitDecided(context, () => {
    const stored = findSnapshot(view, input.id, input.snapshot) ?? fail('not-found', 'Instance snapshot not found');
    const old = stored.value;
    const next = { ...old, name: input.newName ?? old.name, expiresAt: input.expiresAt ?? old.expiresAt };
    if (next.name === old.name) return next.expiresAt === old.expiresAt ? undefined : SNAPSHOTS.replace(stored, next);
    const key = SNAPSHOTS.key(input.id, next.name);
    if (view.get(key) !== undefined) throw new AppError('exists', `Snapshot "${next.name}" already exists`);
    return together(SNAPSHOTS.remove(stored), SNAPSHOTS.create(key, next));
  });
}
