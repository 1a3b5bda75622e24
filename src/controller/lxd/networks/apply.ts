/**
 * Changes of networks: the record first, then every host that answers. A crash in between is mended by the reconciler
 * `networks`, which makes hosts what the records say; a host that refuses brings the record back.
 */
import { AppError } from '../../../domain/errors.ts';
import type { NetworkRecord, PendingNetwork } from '../../../domain/network.ts';
import { type Stored, together } from '../../../store/keyspace.ts';
import { commit } from '../../commit.ts';
import { wishFor } from '../../networks/wish.ts';
import { NETWORK_FORWARDS, NETWORKS, PENDING_NETWORKS } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { onEveryNode } from '../on-nodes.ts';

export const taken = (name: string) => new AppError('exists', `The network already exists: ${name}`);

/** @param pending what was named member by member, and is made now */
export async function addNetwork(lxd: Lxd, record: NetworkRecord, pending?: Stored<PendingNetwork>): Promise<void> {
  const named = pending === undefined ? [] : [PENDING_NETWORKS.remove(pending)];
  await commit(lxd, together(NETWORKS.create(NETWORKS.key(record.name), record), ...named), () => taken(record.name));
  await orElse(makeOnNodes(lxd, record.name), () => remove(lxd, record.name));
}

export async function changeNetwork(lxd: Lxd, old: Stored<NetworkRecord>, record: NetworkRecord): Promise<void> {
  await commit(lxd, NETWORKS.replace(old, record));
  await orElse(makeOnNodes(lxd, record.name), async () => {
    const now = lxd.view.get(old.key);
    if (now === undefined) return;
    await commit(lxd, NETWORKS.replace(now, old.value));
    await makeOnNodes(lxd, old.value.name);
  });
}

export async function removeNetwork(lxd: Lxd, old: Stored<NetworkRecord>): Promise<void> {
  const forwards = lxd.view.list(NETWORK_FORWARDS, old.value.name).map(each => NETWORK_FORWARDS.remove(each));
  await commit(lxd, together(NETWORKS.remove(old), ...forwards));
  await removeFromNodes(lxd, old);
}

export async function renameNetwork(lxd: Lxd, old: Stored<NetworkRecord>, name: string): Promise<void> {
  const renamed = { ...old.value, name };
  const swap = together(NETWORKS.remove(old), NETWORKS.create(NETWORKS.key(name), renamed));
  await commit(lxd, swap, failed => (failed.includes(NETWORKS.key(name)) ? taken(name) : changedMeanwhile()));
  await removeFromNodes(lxd, old); // both cannot have the addresses
  await orElse(makeOnNodes(lxd, name), async () => {
    await remove(lxd, name);
    await addNetwork(lxd, old.value);
  });
}

const changedMeanwhile = () => new AppError('conflict', 'It was changed by someone else meanwhile; try again');

async function makeOnNodes(lxd: Lxd, name: string): Promise<void> {
  const stored = lxd.view.get(NETWORKS.key(name));
  if (stored === undefined) return; // removed by someone else just now
  await onEveryNode(lxd, `network ${name}`, (agent, node) => agent.ensureNetwork(wishFor(lxd.view, stored, node)));
}

const removeFromNodes = (lxd: Lxd, { value, modRevision: revision }: Stored<NetworkRecord>): Promise<void> =>
  onEveryNode(lxd, `network ${value.name}`, agent => agent.ensureNoNetwork({ name: value.name, revision }));

async function remove(lxd: Lxd, name: string): Promise<void> {
  const now = lxd.view.get(NETWORKS.key(name));
  if (now !== undefined) await removeNetwork(lxd, now);
}

/** The first failure is the answer, whatever comes of undoing: the reconciler does that again. */
async function orElse(work: Promise<void>, undo: () => Promise<void>): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    await undo().catch(() => {});
    throw thrown;
  }
}
