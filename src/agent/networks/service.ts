/** Binds the verbs on networks to the wire. */
import { lookup } from 'node:dns/promises';
import { AppError } from '../../domain/errors.ts';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { Host } from '../host.ts';
import { networkState } from './state.ts';

export function networkService({ networks }: Host) {
  return {
    async ensureNetwork({ name, type, config, joined, peers, revision }) {
      await networks.ensure(type, {
        name,
        config,
        joined,
        peers: await Promise.all(peers.map(addressOf)),
        revision: Number(revision),
      });
      return {};
    },
    async ensureNoNetwork({ name, revision }) {
      await networks.remove(name, Number(revision));
      return {};
    },
    async ensureCards({ network, cards }) {
      await networks.setCards(
        network,
        cards.map(({ name, mac, addresses }) => ({ name, mac, addresses })),
      );
      return {};
    },
    async ensureForwards({ network, forwards }) {
      await networks.setForwards(
        network,
        forwards.map(({ listen, target, protocol, ports }) => ({
          listen,
          target,
          protocol,
          ports: ports.map(port => ({ listen: port.listen, target: port.target })),
        })),
      );
      return {};
    },
    getNetworkState: ({ name }) => networkState(name, networks.isOurs(name)),
  } satisfies Partial<AgentServer>;
}

/** Hosts may be known by name. An address is its own. */
async function addressOf(peer: string): Promise<string> {
  const found = await lookup(peer).catch(thrown => {
    throw new AppError('unavailable', `host ${peer} cannot be resolved`, thrown);
  });
  return found.address;
}
