/** The end of an instance whose host will not come back: nothing can be done there, only its records go. */
import type { InstanceKey } from '../instances/instance-store.ts';
import { forget, markDeleting } from '../instances/removing.ts';
import { saga } from '../saga/saga.ts';

export const forgetInstance = saga<InstanceKey>('forget-instance', 1)
  .pivot('mark', (context, { input }) => markDeleting(context, input))
  .forward('forget', (context, { input }) => forget(context, input))
  .end();
