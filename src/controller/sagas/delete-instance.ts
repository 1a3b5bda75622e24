/** Takes an instance away. Only a stopped one: the check asks its host, under the lock, not what was last seen. */
import { AppError, fail } from '../../domain/errors.ts';
import { refOf } from '../instances/expanded.ts';
import { findInstance, type InstanceKey } from '../instances/instance-store.ts';
import { destroy, forget, markDeleting } from '../instances/removing.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';

export const deleteInstance = saga<InstanceKey>('delete-instance', 1)
  .harmless('check', mustBeStopped)
  .pivot('mark', (context, { input }) => markDeleting(context, input))
  .forward('destroy', (context, { input }) => destroy(context, input))
  .forward('forget', (context, { input }) => forget(context, input))
  .end();

async function mustBeStopped(context: StepContext, { input }: { readonly input: InstanceKey }): Promise<void> {
  const record = findInstance(context.view, input)?.value;
  if (record === undefined || record.node === '') return;
  const state = await context.agents
    .of(record.node)
    .getInstanceState(refOf(record, record.generation))
    .catch(thrown => {
      if (AppError.from(thrown).code === 'not-found') return undefined; // nothing there: nothing runs
      throw thrown;
    });
  const seen = state?.status?.state;
  if (seen === 'running' || seen === 'frozen') fail('invalid', 'Instance is running');
}
