/**
 * A new, stopped instance. Its name is claimed by a record of phase `creating` in the transaction that starts the saga, so
 * of two who want one name exactly one gets an operation. Until `publish` everything is taken back on failure. A host that
 * goes offline meanwhile is replaced by another one, unless the user asked for it.
 */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { type Stored, together } from '../../store/keyspace.ts';
import type { Transaction } from '../../store/store.ts';
import { commitDecided, commitInTurn } from '../decide.ts';
import { allocate, release } from '../instances/allocations.ts';
import { bootIdOf } from '../instances/boot.ts';
import { expanded, refOf, specOf } from '../instances/expanded.ts';
import { ensureImage } from '../instances/image-on-node.ts';
import { findInstance, type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { copyMetadata } from '../instances/metadata.ts';
import { planNics } from '../instances/nics.ts';
import { drain } from '../instances/progress.ts';
import { forget } from '../instances/removing.ts';
import { decidePlacement, mustFit, requestsOn, type Target } from '../placing.ts';
import { isLost } from '../saga/live-agents.ts';
import { NodeLost } from '../saga/node-lost.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { ADDRESSES, INSTANCES } from '../spaces.ts';
import { bringVolumes } from '../volumes/use.ts';

export type CreateInput = InstanceKey & {
  readonly image: string;
  readonly target?: Target;
  /** Instead of from its image: see `copy-instance.ts`. `target` is the node of the original then. */
  readonly copy?: CopyOrder;
  /** Instead of from its image: see `import-instance.ts`. `target` is the node of the upload then. */
  readonly backup?: BackupOrder;
};

export type BackupOrder = {
  /** It lies there, examined. */
  readonly node: string;
  readonly upload: string;
  /** Its snapshots by their names in it, and what they are here. */
  readonly snapshots: Readonly<Record<string, string>>;
  /** Owners in it are those inside, plus this. */
  readonly idBase: number;
  /** The same of each snapshot, by its name in it. */
  readonly snapshotIdBases: Readonly<Record<string, number>>;
};

export type CopyOrder = {
  /** Id of the original, whose lock the saga holds as well. */
  readonly instance: string;
  /** Id of its snapshot; '' = as it is now. */
  readonly snapshot: string;
  /** Ids of its snapshots that are copied along, and what they are in the copy. */
  readonly snapshots: Readonly<Record<string, string>>;
};

interface Given {
  readonly input: CreateInput;
}

export const createInstance = saga<CreateInput>('create-instance', 1)
  .undoable('claim', claim, unclaim)
  .harmless('place', place)
  .undoable('make', make, unmake)
  .pivot('publish', publish)
  .end();

/** For sagas of which this is a part. */
export const creating = { claim, unclaim, place, make, unmake, publish };

/** Done by the transaction that started the saga. */
async function claim(): Promise<void> {}

/** With everything that the record holds. */
async function unclaim(context: StepContext, { input }: Given): Promise<void> {
  await forget(context, input);
}

/** Node, addresses and what it holds there, in one transaction. */
async function place(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  await commitInTurn(context, () => {
    const stored = needInstance(view, input);
    const { node } = stored.value;
    return node !== '' && !isLost(view, node) ? undefined : placement(context, stored, input.target);
  });
  context.log('placed', { node: needInstance(view, input).value.node });
}

function placement(
  { view, clock }: StepContext,
  stored: Stored<InstanceRecord>,
  target: Target | undefined,
): Transaction {
  const { value } = stored;
  const what = { ...value, ...expanded(view, value) };
  const chosen = mustFit(decidePlacement(view, what, clock.now(), { target }));
  const nics = planNics(view, value.id, value.config, what.devices);
  const requests = requestsOn(view, chosen.node, what);
  const added = nics.addresses.filter(({ key }) => view.get(key) === undefined);
  return together(
    INSTANCES.replace(stored, { ...value, config: nics.config, node: chosen.node, requests, placement: chosen }),
    allocate(view, chosen.node, requests),
    ...(value.node === '' ? [] : [release(view, value.node, value.requests)]),
    {
      guards: added.map(({ key }) => ({ key, exists: false })),
      writes: added.map(({ key, record }) => ADDRESSES.put(key, record)),
    },
  );
}

/** What is left on a host that was lost half-way is removed by the sweep. */
async function make(context: StepContext, given: Given): Promise<void> {
  for (;;) {
    const { value } = needInstance(context.view, given.input);
    const { copy, backup } = given.input;
    try {
      const imageSplit = copy === undefined && (await ensureImage(context, value.node, value.image));
      await bringVolumes(context, { ...value, ...expanded(context.view, value) });
      if (copy !== undefined) await copyMetadata(context, copy.instance, value.id);
      const request = {
        spec: specOf(context.view, value),
        imageSplit,
        ...(copy && { copy }),
        ...(backup && { backup }),
      };
      return void (await drain(context, 'fs_progress', context.agents.of(value.node).ensureInstance(request)));
    } catch (thrown) {
      if (!(thrown instanceof NodeLost) || thrown.node !== value.node || copy !== undefined || backup !== undefined)
        throw thrown;
      context.log('its host was lost, looking for another', { node: value.node });
      await place(context, given);
    }
  }
}

async function unmake(context: StepContext, { input }: Given): Promise<void> {
  const node = findInstance(context.view, input)?.value.node ?? '';
  if (node !== '') await context.agents.of(node).ensureNoInstance({ ref: refOf(input, 1) });
}

async function publish(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = needInstance(context.view, input);
    const { value } = stored;
    if (value.phase === 'ready') return undefined;
    if (value.phase === 'deleting') fail('internal', `instance ${value.name} is deleted while it is created`);
    const config = { ...value.config, ...bootIdOf(context.view, value.node) };
    return INSTANCES.replace(stored, { ...value, config, phase: 'ready' });
  });
}
