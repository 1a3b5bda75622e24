/** Every host has every storage pool, also one that joined or came back after they were made. */
import { AppError } from '../../domain/errors.ts';
import { NODE_STATUS, NODES, POOLS } from '../spaces.ts';
import type { Reconciler } from './reconciler.ts';

export const equip: Reconciler = {
  name: 'equip',
  periodMs: 30_000,
  hints: [NODE_STATUS.prefix, NODES.prefix, POOLS.prefix],
  run: async ({ view, agents, refresh }) => {
    const made: string[] = [];
    const failed: string[] = [];
    const attempt = async (thing: string, node: string, make: () => Promise<unknown>) => {
      const what = `${thing} on ${node}`;
      try {
        await make();
        made.push(what);
        refresh(node);
      } catch (thrown) {
        failed.push(`${what}: ${AppError.from(thrown).message}`);
      }
    };
    for (const { value: status } of view.list(NODE_STATUS)) {
      if (status.state !== 'online') continue;
      const { name: node } = status;
      for (const { value } of view.list(POOLS)) {
        if (status.pools.some(pool => pool.name === value.name)) continue;
        const { name, driver, config } = value;
        await attempt(`pool ${name}`, node, () => agents.of(node).ensurePool({ name, driver, config }));
      }
    }
    if (failed.length > 0) throw new AppError('unavailable', failed.join('; '));
    return made.length === 0 ? '' : `made ${made.join(', ')}`;
  },
};
