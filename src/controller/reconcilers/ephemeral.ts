/** An ephemeral instance that ran and is stopped now, from inside or by a reboot of its host, is deleted. */
import { AppError } from '../../domain/errors.ts';
import { WANTED } from '../../domain/instance.ts';
import { lockKey } from '../saga/locks.ts';
import { deleteInstance } from '../sagas/delete-instance.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { INSTANCES, STATUS } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export const ephemeral: Reconciler = {
  name: 'ephemeral',
  periodMs: 30_000,
  hints: [STATUS.prefix, 'locks/instance/'],
  run: async ({ view, engine }: ReconcileContext) => {
    const deleted: string[] = [];
    for (const { value } of view.list(INSTANCES)) {
      const { project, name, id } = value;
      const status = view.get(STATUS.key(id))?.value;
      const ran = value.ephemeral && value.phase === 'ready' && value.wanted !== WANTED[1];
      const over = status?.state === 'stopped' && status.node === value.node && status.generation === value.generation;
      if (!ran || !over || view.get(lockKey(`instance/${project}/${name}`)) !== undefined) continue;
      try {
        // The saga asks the host once more, under the lock: what was seen may be old.
        await engine.start(deleteInstance, { project, name, id }, instanceBeginning('Deleting instance', value));
        deleted.push(name);
      } catch (thrown) {
        if (AppError.from(thrown).code !== 'busy') throw thrown;
      }
    }
    return deleted.length === 0 ? '' : `deletes ${deleted.join(', ')}`;
  },
};
