/** "Let it be so": new config, devices, profiles; or its profiles changed and its host has to be told. */
import { checkInstanceConfig } from '../../domain/config-keys.ts';
import { checkDevices } from '../../domain/devices.ts';
import { AppError, fail } from '../../domain/errors.ts';
import { together } from '../../store/keyspace.ts';
import { getInstance } from '../instances/instance-store.ts';
import { checkWhole } from '../instances/new-instance.ts';
import { mustBeReachable } from '../instances/state.ts';
import { claim, claiming, claimRefusal } from '../projects/claim.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { updateInstance, type Writable } from '../sagas/update-instance.ts';
import { INSTANCES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';

export interface InstanceUpdate {
  readonly project: string;
  readonly name: string;
  readonly next: Writable;
  /** Revision of the record that the caller has seen (If-Match). */
  readonly expected?: bigint;
}

/** @throws AppError `not-found`, `invalid`, `conflict` when it changed since it was read, `unavailable`, `busy`. */
export async function beginUpdateInstance(
  commander: Commander,
  update: InstanceUpdate,
  requestor?: Requestor,
): Promise<SagaRecord> {
  return claiming(commander.view, update.project, () => begin(commander, update, requestor));
}

async function begin(
  { engine, view }: Commander,
  { project, name, next, expected }: InstanceUpdate,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  checkInstanceConfig(next.config);
  checkDevices(next.devices);
  const pool = checkWhole(view, { project, ...next }, value.node);
  if (pool !== value.pool)
    fail('invalid', `The root disk is in storage pool "${value.pool}" and cannot be moved by this`);
  mustBeReachable(view, value);
  const key = INSTANCES.key(project, name);
  return engine.start(
    updateInstance,
    { project, name, id: value.id, next },
    {
      ...instanceBeginning('Updating instance', value, requestor),
      ...together(
        { guards: expected === undefined ? [] : [{ key, modRevision: expected }], writes: [] },
        claim(view, { ...value, ...next }),
      ),
      refusal: claimRefusal(
        () => new AppError('conflict', 'The instance changed since it was read (ETag does not match)'),
      ),
    },
  );
}

/** After a change of its profiles. @throws as `beginUpdateInstance`. */
export async function beginRefreshInstance(
  { engine, view }: Commander,
  { project, name }: { readonly project: string; readonly name: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  mustBeReachable(view, value);
  const input = { project, name, id: value.id };
  return engine.start(updateInstance, input, instanceBeginning('Updating instance', value, requestor));
}
