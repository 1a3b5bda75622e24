/** A snapshot whose day has come is deleted; and one that a lost host kept from being deleted, when the host is back. */
import { AppError } from '../../domain/errors.ts';
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import { isLost } from '../saga/live-agents.ts';
import { lockKey } from '../saga/locks.ts';
import { deleteSnapshot } from '../sagas/delete-snapshot.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { snapshotResources } from '../sagas/urls.ts';
import { INSTANCES, SNAPSHOTS } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export const snapshotExpiry: Reconciler = {
  name: 'snapshot-expiry',
  periodMs: 60_000,
  // Not the locks: a deletion that fails lets go of its own, and would be tried again at once, for ever.
  hints: [SNAPSHOTS.prefix],
  run: async ({ view, engine, clock }: ReconcileContext) => {
    const deleted: string[] = [];
    for (const { value: snapshot } of view.list(SNAPSHOTS)) {
      if (!isDue(snapshot, clock.now())) continue;
      const instance = view.list(INSTANCES).find(({ value }) => value.id === snapshot.instance)?.value;
      if (instance?.phase !== 'ready' || isLost(view, instance.node)) continue;
      const { project, name, id } = instance;
      // One at a time: the lock of the first keeps the others for the next run.
      if (view.get(lockKey(`instance/${project}/${name}`)) !== undefined) continue;
      const input = { project, name, id, snapshot: snapshot.id };
      const resources = snapshotResources(project, name, snapshot.name);
      try {
        const beginning = { ...instanceBeginning('Deleting snapshot', instance), resources };
        await engine.start(deleteSnapshot, input, beginning);
        deleted.push(`${name}/${snapshot.name}`);
      } catch (thrown) {
        if (AppError.from(thrown).code !== 'busy') throw thrown;
      }
    }
    return deleted.length === 0 ? '' : `deletes ${deleted.join(', ')}`;
  },
};

/** Pure. */
function isDue({ phase, expiresAt }: SnapshotRecord, now: number): boolean {
  return phase === 'deleting' || (phase === 'ready' && expiresAt !== '' && Date.parse(expiresAt) <= now);
}
