/** The agents as the controller sees them: one gRPC client a node, made when first needed. Tests put in-memory ones here. */
import { fail } from '../domain/errors.ts';
import { AGENT_SERVICES, type AgentClient, type AgentServices } from '../rpc/agent-services.ts';
import { type Connection, connectGrpc } from '../rpc/client.ts';
import { agentUri, type TlsIdentity } from '../rpc/identity.ts';
import type { View } from '../store/view.ts';
import { NODES } from './spaces.ts';

export interface Agents {
  /** @throws AppError `not-found` if no such node has joined. */
  of(node: string): AgentClient;
}

/** Connections follow the node records: a node that left or moved to another address is hung up on. */
export function openAgents(view: View, tls: TlsIdentity): Agents & { close(): void } {
  const open = new Map<string, { readonly address: string; readonly connection: Connection<AgentServices> }>();
  const hangUp = (node: string) => {
    open.get(node)?.connection.close();
    open.delete(node);
  };
  const stop = view.onChange(({ changes }) => {
    if (!changes.some(({ key }) => key.startsWith(NODES.prefix))) return;
    for (const [node, { address }] of [...open]) {
      if (view.get(NODES.key(node))?.value.address !== address) hangUp(node);
    }
  });
  return {
    of: node => {
      const address = view.get(NODES.key(node))?.value.address ?? fail('not-found', `no such cluster member: ${node}`);
      const known = open.get(node);
      if (known !== undefined) return known.connection.client;
      const connection = connectGrpc({
        address,
        tls,
        expect: agentUri(node),
        services: AGENT_SERVICES,
        who: `node ${node}`,
      });
      open.set(node, { address, connection });
      return connection.client;
    },
    close: () => {
      stop();
      for (const node of [...open.keys()]) hangUp(node);
    },
  };
}
