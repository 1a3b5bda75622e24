/**
 * What makes a cluster this cluster: the certificate that all its API front ends show (clients pin it), and the internal
 * authority by which controllers and agents know each other. Made once, by whichever controller comes first.
 */
import { networkInterfaces } from 'node:os';
import { type Identity, issue, makeAuthority, makeSelfSigned, type SubjectName } from '../../kit/certificates.ts';
import { controllerUri, type TlsIdentity } from '../../rpc/identity.ts';
import { keyspace } from '../../store/keyspace.ts';
import type { Store } from '../../store/store.ts';

/** Key `secrets/cluster`; written once. */
export interface ClusterSecrets {
  /** Shown by every front end. */
  readonly server: Identity;
  /** Signs controllers and agents. */
  readonly authority: Identity;
}

const SECRETS = keyspace<ClusterSecrets>('secrets');

/** @param hosts names and addresses under which clients may reach the API, besides this machine's own. */
export async function ensureSecrets(store: Store, hosts: readonly string[]): Promise<ClusterSecrets> {
  const key = SECRETS.key('cluster');
  const present = await SECRETS.read(store, key);
  if (present !== undefined) return present.value;
  const made: ClusterSecrets = {
    server: await makeSelfSigned('berth', subjectNames(hosts)),
    authority: await makeAuthority('berth internal authority'),
  };
  const result = await store.commit(SECRETS.create(key, made));
  return result.kind === 'committed' ? made : (await SECRETS.read(store, key))!.value;
}

/** Who this controller is to agents. The key lives as long as the process. */
export async function controllerIdentity(secrets: ClusterSecrets, name: string): Promise<TlsIdentity> {
  const identity = await issue(secrets.authority, name, [{ type: 'url', value: controllerUri(name) }]);
  return { ca: secrets.authority.cert, ...identity };
}

function subjectNames(hosts: readonly string[]): SubjectName[] {
  const own = Object.values(networkInterfaces()).flatMap(addresses => (addresses ?? []).map(({ address }) => address));
  const names = new Set(['localhost', '127.0.0.1', '::1', ...hosts, ...own.filter(address => !address.includes('%'))]);
  return [...names]
    .filter(name => name !== '' && name !== '0.0.0.0' && name !== '::')
    .map(value => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value }));
}
