/** Whether a node takes new instances; undone by the opposite. */
import type { NodeRecord } from '../../domain/node.ts';
import { commitDecided } from '../decide.ts';
import type { Run } from '../saga/saga.ts';
import { NODES } from '../spaces.ts';

export function setAdmission(
  admission: NodeRecord['admission'],
): Run<{ readonly input: { readonly node: string } }, void> {
  return async (context, { input }) => {
    await commitDecided(context, () => {
      const stored = context.view.get(NODES.key(input.node));
      if (stored === undefined || stored.value.admission === admission) return undefined;
      return NODES.replace(stored, { ...stored.value, admission });
    });
  };
}
