/** Another name: one transaction in the store. Hosts know instances by id; only the host name inside has to be told. */
import { AppError } from '../../domain/errors.ts';
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { specOf } from '../instances/expanded.ts';
import { findInstance, type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES } from '../spaces.ts';

export type RenameInput = InstanceKey & { readonly newName: string };

interface Given {
  readonly input: RenameInput;
}

export const renameInstance = saga<RenameInput>('rename-instance', 1)
  .pivot('rename', rename)
  .forward('tell', tell)
  .end();

async function rename(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  const { project, newName } = input;
  await commitDecided(context, () => {
    if (findInstance(view, { ...input, name: newName }) !== undefined) return undefined;
    const stored = needInstance(view, input);
    const key = INSTANCES.key(project, newName);
    if (view.get(key) !== undefined) throw new AppError('exists', `Instance "${newName}" already exists`);
    return together(INSTANCES.remove(stored), INSTANCES.create(key, { ...stored.value, name: newName }));
  });
}

async function tell(context: StepContext, { input }: Given): Promise<void> {
  const { value } = needInstance(context.view, { ...input, name: input.newName });
  await context.agents.of(value.node).ensureConfig({ spec: specOf(context.view, value) });
}
