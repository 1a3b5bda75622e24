/** A new instance of an image that the cluster has first to fetch; the image stays, whatever becomes of the instance. */
import { AppError, RETRYABLE } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { together } from '../../store/keyspace.ts';
import { findInstance } from '../instances/instance-store.ts';
import { type NewInstance, newInstance } from '../instances/new-instance.ts';
import type { Target } from '../placing.ts';
import { claim, claimRefusal } from '../projects/claim.ts';
import { saga } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES } from '../spaces.ts';
import { createInstance } from './create-instance.ts';
import { deleteInstance } from './delete-instance.ts';
import { type FetchInput, fetching } from './fetch-image.ts';
import { instanceBeginning } from './instance-beginning.ts';

export type CreateFromStoreInput = FetchInput & {
  /** UUID of the instance. */
  readonly id: string;
  readonly wanted: {
    readonly [Field in Exclude<keyof NewInstance, 'image' | 'target' | 'profiles'>]: NewInstance[Field];
  } & { readonly profiles?: readonly string[]; readonly target?: Target };
};

interface Fetched {
  readonly input: CreateFromStoreInput;
  readonly find: { readonly fingerprint: string };
}

export const createFromStore = saga<CreateFromStoreInput>('create-from-store', 1)
  .harmless('find', fetching.find)
  .undoable('download', fetching.download, fetching.discard)
  .undoable('finish', fetching.finish, fetching.discard)
  .undoable('keep', async () => {}, fetching.removeUnlessKnown)
  .harmless('publish', fetching.publish)
  .undoable('create', create, remove)
  .pivot('done', async () => {})
  .forward('tidy', fetching.discard)
  .end();

async function create(context: StepContext, { input, find }: Fetched): Promise<void> {
  const { view, clock } = context;
  const { profiles, target, ...wanted } = input.wanted;
  const request = { ...wanted, profiles, target, image: find.fingerprint };
  const record: InstanceRecord = newInstance(view, request, input.id, clock.now());
  const { project, name, id, image } = record;
  const { state, error } = await context.child(
    'create',
    createInstance,
    { project, name, id, image, ...(target === undefined ? {} : { target }) },
    {
      ...instanceBeginning('Creating instance', record),
      ...together(INSTANCES.create(INSTANCES.key(project, name), record), claim(view, record)),
      refusal: claimRefusal(() => new AppError('exists', `Instance "${name}" already exists`)),
    },
  );
  mustHaveSucceeded(state, error);
}

async function remove(context: StepContext, { input }: Fetched): Promise<void> {
  const { project, name } = input.wanted;
  const key = { project, name, id: input.id };
  const record = findInstance(context.view, key)?.value;
  if (record === undefined) return;
  const end = await context.child('remove', deleteInstance, key, instanceBeginning('Deleting instance', record));
  mustHaveSucceeded(end.state, end.error);
}

/** Its error is final, for it would be found again. */
function mustHaveSucceeded(state: SagaRecord['state'], error: SagaRecord['error']): void {
  if (state === 'succeeded') return;
  const { code, message } = error ?? { code: 'internal', message: `it is ${state}` };
  throw new AppError(RETRYABLE[code] ? 'unsupported' : code, message);
}
