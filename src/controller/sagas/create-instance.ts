/**
 * A new, stopped instance. Its name is claimed by a record of phase `creating` in the transaction that starts the saga, so
 * of two who want one name exactly one gets an operation. Until `publish` everything is taken back on failure.
 */
import { fail } from '../../domain/errors.ts';
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { allocate } from '../instances/allocations.ts';
import { bootIdOf } from '../instances/boot.ts';
import { expanded, refOf, specOf } from '../instances/expanded.ts';
import { ensureImage } from '../instances/image-on-node.ts';
import { findInstance, type InstanceKey, needInstance, removal } from '../instances/instance-store.ts';
import { planNics } from '../instances/nics.ts';
import { drain } from '../instances/progress.ts';
import { decidePlacement, mustFit, requestsOn, type Target } from '../placing.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { ADDRESSES, INSTANCES } from '../spaces.ts';

export type CreateInput = InstanceKey & { readonly image: string; readonly target?: Target };

export const createInstance = saga<CreateInput>('create-instance', 1)
  .undoable('claim', async () => {}, forget) // done by the transaction that started the saga
  .harmless('place', place)
  .harmless('image', (context, { input, place }) => ensureImage(context, place.node, input.image))
  .undoable('make', make, unmake)
  .pivot('publish', publish)
  .end();

interface Placed {
  readonly input: CreateInput;
  readonly place: { readonly node: string };
}

/** Node, addresses and what it holds there, in one transaction; undone with the record that holds them. */
async function place(context: StepContext, { input }: { readonly input: CreateInput }): Promise<{ node: string }> {
  const { view, clock } = context;
  await commitDecided(context, () => {
    const stored = needInstance(view, input);
    if (stored.value.node !== '') return undefined;
    const { config, devices } = expanded(view, stored.value);
    const what = { ...stored.value, config, devices };
    const placement = mustFit(decidePlacement(view, what, clock.now(), { target: input.target }));
    const { node } = placement;
    const nics = planNics(view, input.id, stored.value.config, devices);
    const requests = requestsOn(view, node, what);
    return together(
      INSTANCES.replace(stored, { ...stored.value, config: nics.config, node, requests, placement }),
      allocate(view, node, requests),
      {
        guards: nics.addresses.map(({ key }) => ({ key, exists: false })),
        writes: nics.addresses.map(({ key, record }) => ADDRESSES.put(key, record)),
      },
    );
  });
  const { node } = needInstance(view, input).value;
  context.log('placed', { node });
  return { node };
}

async function make(context: StepContext, { input, place, image }: Placed & { readonly image: boolean }) {
  const { value } = needInstance(context.view, input);
  const request = { spec: specOf(context.view, value), imageSplit: image };
  await drain(context, 'fs_progress', context.agents.of(place.node).ensureInstance(request));
}

async function unmake(context: StepContext, { input, place }: Placed): Promise<void> {
  await context.agents.of(place.node).ensureNoInstance({ ref: refOf(input, 1) });
}

async function publish(context: StepContext, { input, place }: Placed): Promise<void> {
  await commitDecided(context, () => {
    const stored = needInstance(context.view, input);
    const { value } = stored;
    if (value.phase === 'ready') return undefined;
    if (value.phase === 'deleting') fail('internal', `instance ${value.name} is deleted while it is created`);
    const config = { ...value.config, ...bootIdOf(context.view, place.node) };
    return INSTANCES.replace(stored, { ...value, config, phase: 'ready' });
  });
}

async function forget(context: StepContext, { input }: { readonly input: CreateInput }): Promise<void> {
  await commitDecided(context, () => {
    const stored = findInstance(context.view, input);
    return stored && removal(context.view, stored);
  });
}
