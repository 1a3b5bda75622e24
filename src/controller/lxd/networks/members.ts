/**
 * What each member has for itself of a network, and networks that are named member by member before they are made, as LXD's
 * clients of a cluster do (`?target=`). Naming none is fine: a network is on every member in any case.
 */
import { AppError, fail } from '../../../domain/errors.ts';
import type { Config } from '../../../domain/instance.ts';
import type { NetworkRecord, PendingNetwork } from '../../../domain/network.ts';
import { commit } from '../../commit.ts';
import { PENDING_NETWORKS } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { findMember } from '../member.ts';

const MEMBER_KEYS = ['bridge.external_interfaces'];

/** The keys of the network alone, and those of the member. */
export function splitConfig(config: Config): readonly [network: Config, member: Config] {
  const entries = Object.entries(config);
  const isOwn = ([key]: readonly [string, string]) => MEMBER_KEYS.includes(key);
  return [Object.fromEntries(entries.filter(each => !isOwn(each))), Object.fromEntries(entries.filter(isOwn))];
}

/** As one member sees it. */
export const configOn = ({ config, members }: NetworkRecord, member: string | undefined): Config =>
  member === undefined ? config : { ...config, ...members?.[member] };

/** @throws AppError `invalid` naming the key that no member can have for itself. */
export function onlyMemberKeys(config: Config): Config {
  const [others, own] = splitConfig(config);
  const [key] = Object.keys(others);
  if (key !== undefined)
    fail(
      'invalid',
      `Config key "${key}" may not be used as member-specific key (only ${MEMBER_KEYS.join(', ')}); leave --target out`,
    );
  return own;
}

/** Names `target` as a member of the network that will be made. */
export async function addPending(
  lxd: Lxd,
  name: string,
  description: string,
  target: string,
  config: Config,
): Promise<void> {
  const member = findMember(lxd.view, target).value.name;
  const own = onlyMemberKeys(config);
  const key = PENDING_NETWORKS.key(name);
  const old = lxd.view.get(key);
  const already = () => new AppError('exists', `The network is already defined on member "${member}"`);
  if (old?.value.members[member]) throw already();
  const value: PendingNetwork = { name, description, members: { ...old?.value.members, [member]: own } };
  await commit(lxd, old === undefined ? PENDING_NETWORKS.create(key, value) : PENDING_NETWORKS.replace(old, value));
}

export function shownPending({ name, description, members }: PendingNetwork, target: string | undefined) {
  return {
    name,
    type: 'bridge',
    description,
    config: (target && members[target]) || {},
    managed: true,
    status: 'Pending',
    locations: Object.keys(members),
    used_by: [],
  };
}
