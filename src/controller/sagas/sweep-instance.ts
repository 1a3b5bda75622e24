/** Removes from a host what it should not have: nobody's instance, or one that another host owns now. */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import type { View } from '../../store/view.ts';
import { refOf } from '../instances/expanded.ts';
import { saga } from '../saga/saga.ts';
import { INSTANCES } from '../spaces.ts';

export type SweepInput = { readonly node: string; readonly id: string; readonly generation: number };

export const sweepInstance = saga<SweepInput>('sweep-instance', 1)
  .pivot('check', async ({ view }, { input }) => {
    if (!isLeftover(findById(view, input.id), input.node)) fail('conflict', `${input.node} may keep ${input.id}`);
  })
  .forward('remove', async ({ agents }, { input }) => {
    await agents.of(input.node).ensureNoInstance({ ref: refOf(input, input.generation) });
  })
  .end();

/** Pure. A target of a move that is under way has a right to what it has. */
export function isLeftover(record: InstanceRecord | undefined, node: string): boolean {
  return record === undefined || (record.node !== node && record.moving?.to !== node);
}

export function findById(view: View, id: string): InstanceRecord | undefined {
  return view.list(INSTANCES).find(({ value }) => value.id === id)?.value;
}
