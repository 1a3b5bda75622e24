/** Custom volumes of a host that is gone. What names one among its devices says so when it is to start. */
import { together } from '../../../store/keyspace.ts';
import { commitDecided } from '../../decide.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { VOLUME_SNAPSHOTS, VOLUMES } from '../../spaces.ts';

/** Of one transaction. */
const BATCH = 50;

export async function forgetLostVolumes(context: StepContext, node: string): Promise<void> {
  const { view } = context;
  for (const { key, value } of view.list(VOLUMES).filter(({ value: each }) => each.node === node)) {
    await commitDecided(context, () => {
      const snapshots = view.list(VOLUME_SNAPSHOTS, value.id).slice(0, BATCH);
      return snapshots.length === 0 ? undefined : together(...snapshots.map(each => VOLUME_SNAPSHOTS.remove(each)));
    });
    await commitDecided(context, () => {
      const stored = view.get(key);
      return stored && VOLUMES.remove(stored);
    });
  }
}
