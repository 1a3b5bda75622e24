/** "Start it", "stop it": one instance, or all of a project that it makes sense for. */
import { getInstance } from '../instances/instance-store.ts';
import { mustBeReachable, seenState } from '../instances/state.ts';
import type { Saga } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { changeMany, isMeant } from '../sagas/change-many.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { type PowerChange, powerOrder } from '../sagas/power.ts';
import { instanceResources } from '../sagas/urls.ts';
import { INSTANCES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';

export { STATE_ACTIONS, type StateAction } from '../sagas/power.ts';

export interface StateChange extends PowerChange {
  readonly project: string;
  readonly name: string;
}

/** @throws AppError `not-found`, `invalid` for a change to what it is already, `unavailable`, `busy`. */
export async function beginChangeState(
  { engine, view }: Commander,
  { project, name, ...change }: StateChange,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  mustBeReachable(view, value);
  const { saga, input, description } = powerOrder(value, seenState(view, value), change);
  return engine.start(saga as Saga, input, instanceBeginning(description, value, requestor));
}

/** Those that are not yet what they shall be. The operation's error names each one that failed, and why. */
export async function beginChangeMany(
  { engine, view }: Commander,
  { project, ...change }: PowerChange & { readonly project: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const chosen = view
    .list(INSTANCES, project)
    .map(({ value }) => value)
    .filter(record => record.phase === 'ready' && isMeant(change, seenState(view, record)));
  const instances = chosen.map(({ project, name, id }) => ({ project, name, id }));
  return engine.start(
    changeMany,
    { change, instances },
    {
      project,
      description: 'Updating instances',
      resources: instanceResources(project, ...chosen.map(({ name }) => name)),
      locks: [],
      ...(requestor === undefined ? {} : { requestor }),
    },
  );
}
