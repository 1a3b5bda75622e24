/**
 * Takes a host that is gone for good out of the cluster, and with it the records of what only it had: instances, custom
 * volumes, backups, images. From the first step on nobody talks to it any more; should it come back, it is a stranger.
 */
import { AppError, fail, RETRYABLE } from '../../domain/errors.ts';
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { isLocked, untilFree } from '../instances/until-free.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { BACKUPS, INSTANCES, NODE_STATUS, NODES } from '../spaces.ts';
import { forgetInstance } from './forget-instance.ts';
import { instanceBeginning } from './instance-beginning.ts';
import { forgetLostImages } from './lost-image.ts';
import { forgetLostVolumes } from './volumes/lost-volumes.ts';

interface Given {
  readonly input: { readonly node: string };
}

export const removeNode = saga<Given['input']>('remove-node', 1)
  .pivot('remove', remove)
  .forward('instances', forgetInstances)
  .forward('backups', forgetBackups)
  .forward('volumes', (context, { input }) => forgetLostVolumes(context, input.node))
  .forward('images', (context, { input }) => forgetLostImages(context, input.node))
  .end();

/** Between two tries for an instance that somebody else works on. */
const PAUSE_MS = 200;

async function remove(context: StepContext, { input: { node } }: Given): Promise<void> {
  const { view } = context;
  await commitDecided(context, () => {
    const stored = view.get(NODES.key(node));
    if (stored === undefined) return undefined;
    const status = view.get(NODE_STATUS.key(node));
    if (status?.value.state === 'online')
      fail('conflict', `Cluster member "${node}" is online again: evacuate it first`);
    const away = status === undefined ? [] : [{ key: status.key, modRevision: status.modRevision }];
    return together(NODES.remove(stored), { guards: away, writes: [] });
  });
}

/** Each when nobody works on it: a move that it was to give up now ends by itself, for its host is lost. */
async function forgetInstances(context: StepContext, { input }: Given): Promise<void> {
  for (;;) {
    const record = context.view.list(INSTANCES).find(({ value }) => value.node === input.node)?.value;
    if (record === undefined) return;
    if (isLocked(context, record)) {
      await untilFree(context, record);
      continue;
    }
    context.progress({ remove_progress: `forgetting ${record.name}` });
    const { project, name, id } = record;
    try {
      const beginning = instanceBeginning('Deleting instance', record);
      await context.child(`forget/${id}`, forgetInstance, { project, name, id }, beginning);
    } catch (thrown) {
      if (!RETRYABLE[AppError.from(thrown).code]) throw thrown;
      await context.clock.sleep(PAUSE_MS, context.signal);
    }
  }
}

/** Of instances that are elsewhere now: the archives were on this host. */
async function forgetBackups(context: StepContext, { input }: Given): Promise<void> {
  for (const backup of context.view.list(BACKUPS).filter(({ value }) => value.node === input.node))
    await commitDecided(context, () => {
      const stored = context.view.get(backup.key);
      return stored && BACKUPS.remove(stored);
    });
}
