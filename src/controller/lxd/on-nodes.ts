/**
 * Does something on every node that answers, at once, so that what cannot work is told now. Nodes that are away get it
 * later: the reconciler `equip` makes on every node what the records say.
 */
import { AppError } from '../../domain/errors.ts';
import type { AgentClient } from '../../rpc/agent-services.ts';
import { NODE_STATUS, NODES } from '../spaces.ts';
import type { Lxd } from './context.ts';

/** @throws AppError with the node's own words, naming the node. */
export async function onEveryNode(
  lxd: Lxd,
  what: string,
  act: (agent: AgentClient, node: string) => Promise<unknown>,
): Promise<void> {
  const nodes = lxd.view
    .list(NODES)
    .map(({ value }) => value.name)
    .filter(name => lxd.view.get(NODE_STATUS.key(name))?.value.state === 'online');
  await Promise.all(
    nodes.map(async node => {
      try {
        await act(lxd.agents.of(node), node);
      } catch (thrown) {
        const error = AppError.from(thrown);
        // It went away just now: then it is like the others that are away.
        if (error.code === 'unavailable') lxd.log.warn('node left out', { what, node, error });
        else throw new AppError(error.code, `Node ${node}: ${error.message}`, thrown);
      }
    }),
  );
}
