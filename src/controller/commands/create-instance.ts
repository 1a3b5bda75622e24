/** "Make me an instance": checked, then claimed by name and carried out by a saga; or only planned. */
import { randomUUID } from 'node:crypto';
import { AppError } from '../../domain/errors.ts';
import type { Placement } from '../../domain/placement.ts';
import { together } from '../../store/keyspace.ts';
import { expanded } from '../instances/expanded.ts';
import { type NewInstance, newInstance } from '../instances/new-instance.ts';
import { decidePlacement } from '../placing.ts';
import { claim, claiming, claimRefusal } from '../projects/claim.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { createInstance } from '../sagas/create-instance.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { INSTANCES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';

/** @throws AppError `exists` when the name is taken; and what `newInstance` throws. */
export async function beginCreateInstance(
  { engine, view, clock }: Commander,
  request: NewInstance,
  requestor?: Requestor,
): Promise<SagaRecord> {
  return claiming(view, request.project, async () => {
    const record = newInstance(view, request, randomUUID(), clock.now());
    const { project, name, id, image } = record;
    const { target } = request;
    const taken = () => new AppError('exists', `Instance "${name}" already exists`);
    const input = { project, name, id, image, ...(target === undefined ? {} : { target }) };
    return engine.start(createInstance, input, {
      ...instanceBeginning('Creating instance', record, requestor),
      ...together(INSTANCES.create(INSTANCES.key(project, name), record), claim(view, record)),
      refusal: claimRefusal(taken),
    });
  });
}

/** Where it would be put, and why there: `berth launch --dry-run`. Nothing is made. */
export function planInstance({ view, clock }: Commander, request: NewInstance): Placement {
  const record = newInstance(view, request, randomUUID(), clock.now());
  const what = { ...record, ...expanded(view, record) };
  return decidePlacement(view, what, clock.now(), { target: request.target });
}
