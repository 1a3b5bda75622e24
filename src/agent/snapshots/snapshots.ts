/**
 * The verbs on snapshots. A snapshot is the instance's volume at one moment and, if it is stateful, the memory and the
 * processes of that moment. An instance that runs stands still while its pool copies, where the pool needs that.
 */
import { fail } from '../../domain/errors.ts';
import type { Host } from '../host.ts';
import { setQuota } from '../instances.ts';
import type { LedgerEntry } from '../ledger.ts';
import type { Ref } from '../spec.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { instanceVolume } from '../storage/volume.ts';
import { type SavedState, saveState } from './save-state.ts';
import { STOPPED_STATE } from './state-folders.ts';
import { letRun, whileStill } from './while-still.ts';

const NOTHING: SavedState = { pauseMs: 0, bytes: 0 };

/** @param snapshot its id @throws AppError `invalid` if a stateful one is asked for and the instance does not run */
export async function ensureSnapshot(host: Host, ref: Ref, snapshot: string, stateful: boolean): Promise<SavedState> {
  return withInstance(host, ref, async (entry, driver) => {
    const { id } = entry.spec;
    const volume = instanceVolume(id);
    const isThere = (await driver.listSnapshots(volume)).includes(snapshot);
    if (isThere && (!stateful || host.states.has(id, snapshot))) return NOTHING;
    if (stateful) {
      await driver.removeSnapshot(volume, snapshot); // of a try that did not get further
      if (host.runtime.look(id).state !== 'running') fail('invalid', 'only a running instance has state to be saved');
      const whileHeld = () => driver.snapshot(volume, snapshot);
      return saveState(host, entry, { state: snapshot, ending: 'go-on', whileHeld });
    }
    const pauseMs = await whileStill(host, id, driver, () => driver.snapshot(volume, snapshot));
    return { pauseMs, bytes: 0 };
  });
}

/** Succeeds if there is none. */
export async function ensureNoSnapshot(host: Host, ref: Ref, snapshot: string): Promise<void> {
  await withInstance(host, ref, async (entry, driver) => {
    await driver.removeSnapshot(instanceVolume(entry.spec.id), snapshot);
    await host.states.remove(entry.spec.id, snapshot);
  });
}

export interface RestoreOrder {
  /** Id of the snapshot. */
  readonly snapshot: string;
  /** Its state, too: the next stateful start goes on with it. Else whatever state there was belongs to nothing any more. */
  readonly stateful: boolean;
  /** What the instance was until now becomes this snapshot; undefined: it is thrown away. */
  readonly replaced: string | undefined;
}

/** The instance must be stopped. @throws AppError `not-found`, or `invalid` if the snapshot has no state to restore */
export async function restoreSnapshot(host: Host, ref: Ref, order: RestoreOrder): Promise<void> {
  const { snapshot, stateful, replaced } = order;
  await withInstance(host, ref, async ({ spec }, driver) => {
    const { id } = spec;
    const volume = instanceVolume(id);
    if (host.runtime.look(id).pid !== 0) fail('conflict', `instance ${spec.name} runs: stop it first`);
    if (stateful && !host.states.has(id, snapshot)) fail('invalid', 'the snapshot has no memory and processes in it');
    const isDone = replaced !== undefined && (await driver.listSnapshots(volume)).includes(replaced);
    // The old state goes last: whoever takes this back half-way finds it in its place, or beside the volume it belongs to.
    if (!isDone && replaced !== undefined && host.states.has(id, STOPPED_STATE))
      await host.states.copy(id, STOPPED_STATE, replaced);
    await host.fileDoors.end(id);
    await driver.restore(volume, snapshot, replaced);
    await setQuota(driver, spec);
    await host.states.remove(id, STOPPED_STATE);
    if (stateful) await host.states.copy(id, snapshot, STOPPED_STATE);
    host.diskUsage.forget(id);
  });
}

/** Alone with the instance, which afterwards runs if it shall. */
async function withInstance<T>(
  host: Host,
  ref: Ref,
  work: (entry: LedgerEntry, driver: StorageDriver) => Promise<T>,
): Promise<T> {
  return host.locks.run(ref.id, async () => {
    if (host.isMoving(ref.id)) fail('busy', `instance ${ref.id} is being moved`);
    const entry = host.ledger.expect(ref);
    try {
      return await work(entry, host.pools.get(entry.pool));
    } finally {
      await letRun(host, ref.id);
    }
  });
}
