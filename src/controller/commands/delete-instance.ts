/** "Take it away." */
import { fail } from '../../domain/errors.ts';
import { isTrue } from '../../domain/values.ts';
import { expanded } from '../instances/expanded.ts';
import { getInstance } from '../instances/instance-store.ts';
import { mustBeReachable, seenState } from '../instances/state.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { deleteInstance } from '../sagas/delete-instance.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import type { Commander, Requestor } from './commander.ts';

/** @throws AppError `not-found`, `invalid` while it runs, `unavailable` while its host is away, `busy`. */
export async function beginDeleteInstance(
  { engine, view }: Commander,
  { project, name }: { readonly project: string; readonly name: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  if (isTrue(expanded(view, value).config['security.protection.delete']))
    fail('invalid', `Instance is protected: unset security.protection.delete of "${name}" first`);
  mustBeReachable(view, value);
  if (['running', 'frozen'].includes(seenState(view, value))) fail('invalid', 'Instance is running');
  const input = { project, name, id: value.id };
  return engine.start(deleteInstance, input, instanceBeginning('Deleting instance', value, requestor));
}
