/**
 * A copy of an instance on its host, stopped, with its snapshots: made as a new one is, but for where its disk comes from.
 */
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { findSnapshot } from '../instances/snapshot-store.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { SNAPSHOTS } from '../spaces.ts';
import { type CopyOrder, type CreateInput, creating } from './create-instance.ts';

export type CopyInput = CreateInput & { readonly copy: CopyOrder };

export const copyInstance = saga<CopyInput>('copy-instance', 1)
  .undoable('claim', creating.claim, creating.unclaim)
  .harmless('place', creating.place)
  .undoable('make', creating.make, creating.unmake)
  .harmless('snapshots', copySnapshots) // gone with the claim
  .pivot('publish', creating.publish)
  .end();

/** Of one transaction. */
const BATCH = 50;

/** Without memory and processes: these are the original's, with its name and addresses. */
async function copySnapshots(context: StepContext, { input }: { readonly input: CopyInput }): Promise<void> {
  const { view } = context;
  const { id, copy } = input;
  await commitDecided(context, () => {
    const missing = Object.entries(copy.snapshots).filter(([, own]) => findSnapshot(view, id, own) === undefined);
    const found = missing.flatMap(([from, own]) => {
      const original = findSnapshot(view, copy.instance, from)?.value;
      return original === undefined ? [] : [{ ...original, id: own, instance: id, stateful: false }];
    });
    if (found.length === 0) return undefined;
    return together(...found.slice(0, BATCH).map(each => SNAPSHOTS.create(SNAPSHOTS.key(id, each.name), each)));
  });
}
