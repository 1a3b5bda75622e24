/**
 * A copy on another host: made beside the original, where its disk is, and moved. Two sagas of their own; when the second
 * fails the copy is deleted.
 */
import { AppError, RETRYABLE } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { together } from '../../store/keyspace.ts';
import { findInstance, type InstanceKey } from '../instances/instance-store.ts';
import type { Target } from '../placing.ts';
import { claim, claimRefusal } from '../projects/claim.ts';
import { type Json, saga } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES } from '../spaces.ts';
import { type CopyInput, copyInstance } from './copy-instance.ts';
import { deleteInstance } from './delete-instance.ts';
import { instanceBeginning } from './instance-beginning.ts';
import { migrateCold } from './migrate-cold.ts';

export type CopyElsewhereInput = {
  readonly create: CopyInput;
  /** The record that claims the name. */
  readonly record: Json;
  /** Name of the original. */
  readonly source: string;
  readonly elsewhere: Target;
};

interface Given {
  readonly input: CopyElsewhereInput;
}

export const copyElsewhere = saga<CopyElsewhereInput>('copy-elsewhere', 1)
  .undoable('copy', copy, remove)
  .harmless('move', move) // one that fails leaves the copy where it was
  .pivot('done', async () => {})
  .end();

async function copy(context: StepContext, { input }: Given): Promise<void> {
  const { create, source } = input;
  const record = input.record as unknown as InstanceRecord;
  const { project, name } = record;
  const common = instanceBeginning('Creating instance', record);
  const { guards, writes } = together(
    INSTANCES.create(INSTANCES.key(project, name), record),
    claim(context.view, record),
  );
  const begun = context.child('copy', copyInstance, create, {
    ...common,
    locks: [...common.locks, `instance/${project}/${source}`],
    guards,
    writes,
    refusal: claimRefusal(() => new AppError('exists', `Instance "${name}" already exists`)), // a lost claim is tried again
  });
  mustHaveSucceeded(await begun);
}

async function remove(context: StepContext, { input }: Given): Promise<void> {
  const { project, name, id } = input.create;
  const key: InstanceKey = { project, name, id };
  const record = findInstance(context.view, key)?.value;
  if (record === undefined) return;
  const beginning = instanceBeginning('Deleting instance', record);
  mustHaveSucceeded(await context.child('remove', deleteInstance, key, beginning));
}

async function move(context: StepContext, { input }: Given): Promise<void> {
  const { project, name, id } = input.create;
  const record = findInstance(context.view, { project, name, id })?.value;
  if (record === undefined) throw new AppError('cancelled', `Instance "${name}" was deleted while it was copied`);
  const beginning = instanceBeginning('Migrating instance', record);
  const order = { project, name, id, target: input.elsewhere };
  mustHaveSucceeded(await context.child('move', migrateCold, order, beginning));
}

/** Its error is final, for it would be found again. */
function mustHaveSucceeded({ state, error }: SagaRecord): void {
  if (state === 'succeeded') return;
  const { code, message } = error ?? { code: 'internal', message: `it is ${state}` };
  throw new AppError(RETRYABLE[code] ? 'unsupported' : code, message);
}
