/**
 * Every host has every network as it is recorded, knows the other hosts and who is on the network; and has none that was
 * removed while it was away. Told again only when something changed: a host keeps what it was told, also when it is rebooted.
 */
import { AppError } from '../../domain/errors.ts';
import { cardsOn, forwardsOn, wishFor } from '../networks/wish.ts';
import { ADDRESSES, INSTANCES, NETWORK_FORWARDS, NETWORKS, NODE_STATUS, NODES } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export function networks(): Reconciler {
  const told = new Map<string, string>();
  return {
    name: 'networks',
    periodMs: 30_000,
    pauseMs: 200, // instances come in bursts, and each table holds them all
    hints: [NODES, NODE_STATUS, NETWORKS, NETWORK_FORWARDS, ADDRESSES, INSTANCES].map(({ prefix }) => prefix),
    run: async context => {
      const made: string[] = [];
      const failed: string[] = [];
      const attempt = async (what: string, node: string, text: string, work: () => Promise<unknown>) => {
        const key = `${what} on ${node}`;
        if (told.get(key) === text) return;
        try {
          await work();
          if (text !== '') told.set(key, text);
          if (what.startsWith('network')) made.push(key);
        } catch (thrown) {
          told.delete(key);
          failed.push(`${key}: ${AppError.from(thrown).message}`);
        }
      };
      const tells = Map.groupBy(plan(context, told), ({ node }) => node);
      const tellAll = async (of: readonly Tell[]) => {
        for (const { what, node, text, work } of of) await attempt(what, node, text, work);
      };
      await Promise.all([...tells.values()].map(tellAll));
      if (failed.length > 0) throw new AppError('unavailable', failed.join('; '));
      return made.length === 0 ? '' : `made ${made.join(', ')}`;
    },
  };
}

interface Tell {
  readonly what: string;
  readonly node: string;
  /** The whole of what is told; '' = nothing to remember. */
  readonly text: string;
  readonly work: () => Promise<unknown>;
}

function* plan({ view, agents, refresh }: ReconcileContext, told: Map<string, string>): Generator<Tell> {
  const networks = view.list(NETWORKS);
  const joined = networks.filter(({ value }) => value.joined).map(({ value }) => value.name);
  // Each table is written out once, not once a host.
  const tables = new Map(
    joined.map(name => {
      const cards = cardsOn(view, name);
      return [name, { cards, text: JSON.stringify(cards) }];
    }),
  );
  for (const { value: status, modRevision: revision } of view.list(NODE_STATUS)) {
    const { name: node, state, host, bootId } = status;
    if (state !== 'online') continue;
    const agent = agents.of(node);
    for (const stored of networks) {
      const { name } = stored.value;
      const what = `network ${name}`;
      if (!host.networks.includes(name))
        for (const each of [what, `cards of ${name}`, `forwards of ${name}`]) told.delete(`${each} on ${node}`);
      const wish = wishFor(view, stored, node);
      const text = JSON.stringify([bootId, { ...wish, revision: String(wish.revision) }]);
      yield { what, node, text, work: () => agent.ensureNetwork(wish).then(() => refresh(node)) };
      const table = tables.get(name);
      if (table === undefined) continue;
      const work = () => agent.ensureCards({ network: name, cards: table.cards });
      yield { what: `cards of ${name}`, node, text: `${bootId} ${table.text}`, work };
      const forwards = forwardsOn(view, name, node);
      const tell = () => agent.ensureForwards({ network: name, forwards });
      yield { what: `forwards of ${name}`, node, text: JSON.stringify([bootId, forwards]), work: tell };
    }
    // What it said it has, and nobody had recorded by then.
    for (const name of host.networks.filter(each => view.get(NETWORKS.key(each)) === undefined))
      yield {
        what: `no network ${name}`,
        node,
        text: '',
        work: () => agent.ensureNoNetwork({ name, revision }).then(() => refresh(node)),
      };
  }
}
