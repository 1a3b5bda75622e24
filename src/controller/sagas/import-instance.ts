/** An instance from an uploaded backup, with its snapshots: made as a new one is, on the host that has the upload. */
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { findSnapshot } from '../instances/snapshot-store.ts';
import { type Json, saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { SNAPSHOTS } from '../spaces.ts';
import { type BackupOrder, type CreateInput, creating } from './create-instance.ts';

export type ImportInstanceInput = CreateInput & {
  readonly backup: BackupOrder;
  /** Records of its snapshots. */
  readonly records: readonly Json[];
};

interface Given {
  readonly input: ImportInstanceInput;
}

export const importInstance = saga<ImportInstanceInput>('import-instance', 1)
  .undoable('claim', creating.claim, creating.unclaim)
  .undoable('upload', async () => {}, discard)
  .harmless('place', creating.place)
  .undoable('make', creating.make, creating.unmake)
  .harmless('snapshots', keepSnapshots) // gone with the claim
  .pivot('publish', creating.publish)
  .forward('discard', discard)
  .end();

/** Of one transaction. */
const BATCH = 50;

async function keepSnapshots(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  const records = input.records as unknown as readonly SnapshotRecord[];
  for (let missing = true; missing; ) {
    await commitDecided(context, () => {
      const left = records.filter(each => findSnapshot(view, input.id, each.id) === undefined);
      missing = left.length > BATCH;
      if (left.length === 0) return undefined;
      return together(...left.slice(0, BATCH).map(each => SNAPSHOTS.create(SNAPSHOTS.key(input.id, each.name), each)));
    });
  }
}

async function discard(context: StepContext, { input }: Given): Promise<void> {
  await context.agents.of(input.backup.node).finishUpload({ upload: input.backup.upload, discard: true });
}
