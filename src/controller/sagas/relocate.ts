/**
 * A move and a new name in one go: sagas of their own, one after the other. When the second fails the instance stays where
 * the first has brought it, and the error says so.
 */
import { AppError, RETRYABLE } from '../../domain/errors.ts';
import { findInstance, type InstanceKey } from '../instances/instance-store.ts';
import { saga } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import type { StepContext } from '../saga/step-context.ts';
import { instanceBeginning } from './instance-beginning.ts';
import { migrateCold } from './migrate-cold.ts';
import type { MoveInput } from './move-steps.ts';
import { renameInstance } from './rename-instance.ts';

export type RelocateInput = { readonly move: MoveInput; readonly newName: string };

interface Given {
  readonly input: RelocateInput;
}

export const relocate = saga<RelocateInput>('relocate', 1)
  .harmless('move', move)
  .harmless('rename', rename)
  .pivot('done', async () => {})
  .end();

async function move(context: StepContext, { input }: Given): Promise<void> {
  const beginning = instanceBeginning('Migrating instance', needed(context, input.move));
  mustHaveSucceeded(await context.child('move', migrateCold, input.move, beginning), '');
}

async function rename(context: StepContext, { input }: Given): Promise<void> {
  const { move, newName } = input;
  const { project, name, id } = move;
  if (findInstance(context.view, { project, name: newName, id }) !== undefined) return;
  const record = needed(context, move);
  const beginning = instanceBeginning('Renaming instance', record);
  const locks = [...beginning.locks, `instance/${project}/${newName}`];
  const end = await context.child('rename', renameInstance, { project, name, id, newName }, { ...beginning, locks });
  mustHaveSucceeded(end, `"${name}" is on ${record.node} now, and has its old name: `);
}

function needed({ view }: StepContext, key: InstanceKey) {
  const record = findInstance(view, key)?.value;
  if (record === undefined) throw new AppError('cancelled', `Instance "${key.name}" was deleted meanwhile`);
  return record;
}

/** Its error is final, for it would be found again. */
function mustHaveSucceeded({ state, error }: SagaRecord, before: string): void {
  if (state === 'succeeded') return;
  const { code, message } = error ?? { code: 'internal', message: `it is ${state}` };
  throw new AppError(RETRYABLE[code] ? 'unsupported' : code, before + message);
}
