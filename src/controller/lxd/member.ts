/** LXD's cluster member object: a node as clients see it. */
import { fail } from '../../domain/errors.ts';
import type { NodeRecord } from '../../domain/node.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { NODE_STATUS, NODES } from '../spaces.ts';

export function findMember(view: View, name: string): Stored<NodeRecord> {
  return view.get(NODES.key(name)) ?? fail('not-found', `Cluster member not found: ${name}`);
}

export function writableMember({ roles, failureDomain, description, config, groups }: NodeRecord) {
  return { roles, failure_domain: failureDomain, description, config, groups };
}

export function shownMember(view: View, node: NodeRecord) {
  const status = view.get(NODE_STATUS.key(node.name))?.value;
  const online = status?.state === 'online';
  return {
    server_name: node.name,
    url: `https://${node.address}`,
    database: false,
    status: node.admission === 'evacuated' ? 'Evacuated' : online ? 'Online' : 'Offline',
    message: online ? 'Fully operational' : (status?.detail ?? 'The agent has not been reached yet'),
    architecture: status?.host.architecture || node.architecture,
    ...writableMember(node),
  };
}
