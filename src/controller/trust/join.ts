/** How a host becomes a node: its one-time token is exchanged for a certificate that names it, and nothing else. */
import { AppError, fail } from '../../domain/errors.ts';
import { checkName } from '../../domain/names.ts';
import type { NodeRecord } from '../../domain/node.ts';
import { fingerprintOf, signRequest } from '../../kit/certificates.ts';
import type { Clock } from '../../kit/clock.ts';
import { agentUri } from '../../rpc/identity.ts';
import { together } from '../../store/keyspace.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { commit } from '../commit.ts';
import { NODES } from '../spaces.ts';
import type { ClusterSecrets } from './secrets.ts';
import { findToken, TOKEN_USED, useToken } from './tokens.ts';

export interface JoinRequest {
  readonly node: string;
  readonly secret: string;
  /** PEM; the key stays with the host. */
  readonly csr: string;
  /** `host:port` of the agent's gRPC server. */
  readonly address: string;
  readonly architecture: string;
}

export interface Joined {
  /** PEM of the authority that the host shall trust. */
  readonly ca: string;
  readonly certificate: string;
}

/** @throws AppError `forbidden` for a wrong, used or old secret; `exists` if a node of this name has joined. */
export async function joinNode(
  place: { readonly store: Store; readonly view: View; readonly clock: Clock },
  { authority }: ClusterSecrets,
  request: JoinRequest,
): Promise<Joined> {
  const node = checkName('node', request.node);
  const token = findToken(place, 'join', request.secret);
  if (token.value.purpose.node !== node)
    fail('forbidden', `not authorized: the token is for node "${token.value.purpose.node}"`);
  if (!/^(\[[\da-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/.test(request.address))
    fail('invalid', `Invalid "address": "${request.address}" is not host:port`);
  const certificate = await sign(authority, request.csr, node);
  const record: NodeRecord = {
    name: node,
    address: request.address,
    fingerprint: fingerprintOf(certificate),
    architecture: request.architecture,
    description: '',
    roles: [],
    failureDomain: 'default',
    groups: ['default'],
    config: {},
    admission: 'open',
    joinedAt: new Date(place.clock.now()).toISOString(),
  };
  const joined = together(useToken(token), NODES.create(NODES.key(node), record));
  await commit(place, joined, failed => (failed.includes(token.key) ? TOKEN_USED() : nodeExists(node)));
  return { ca: authority.cert, certificate };
}

export const nodeExists = (node: string) =>
  new AppError('exists', `A cluster member named "${node}" already exists; remove it first, or choose another name`);

async function sign(authority: ClusterSecrets['authority'], csr: string, node: string): Promise<string> {
  try {
    return await signRequest(authority, csr, node, [{ type: 'url', value: agentUri(node) }]);
  } catch (error) {
    return fail('invalid', 'Invalid "csr": it is not a certificate request signed by its own key', error);
  }
}
