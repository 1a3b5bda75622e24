/** "Call it so." */
import { AppError, fail } from '../../domain/errors.ts';
import { checkInstanceName } from '../../domain/names.ts';
import { getInstance } from '../instances/instance-store.ts';
import { mustBeReachable, seenState } from '../instances/state.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { renameInstance } from '../sagas/rename-instance.ts';
import { INSTANCES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';

/** @throws AppError `not-found`, `exists`, `invalid` for a bad name or while it runs, `unavailable`, `busy`. */
export async function beginRenameInstance(
  { engine, view }: Commander,
  { project, name, newName }: { readonly project: string; readonly name: string; readonly newName: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  const key = mustBeFree({ view }, project, newName);
  if (seenState(view, value) !== 'stopped') fail('invalid', 'Renaming of running instance not allowed');
  mustBeReachable(view, value);
  const beginning = instanceBeginning('Renaming instance', value, requestor);
  return engine.start(
    renameInstance,
    { project, name, id: value.id, newName },
    {
      ...beginning,
      locks: [...beginning.locks, `instance/${project}/${newName}`],
      guards: [{ key, exists: false }],
      refusal: () => taken(newName),
    },
  );
}

/** @returns the key of a name that nobody has. @throws AppError `exists`, `invalid`. */
export function mustBeFree({ view }: Pick<Commander, 'view'>, project: string, name: string) {
  const key = INSTANCES.key(project, checkInstanceName(name));
  if (view.get(key) !== undefined) throw taken(name);
  return key;
}

const taken = (name: string): AppError => new AppError('exists', `Instance "${name}" already exists`);
