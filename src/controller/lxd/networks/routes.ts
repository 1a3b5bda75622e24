/** `/1.0/networks`: bridges that every node has under one name. */
import { z } from 'zod';
import { fail } from '../../../domain/errors.ts';
import type { Config } from '../../../domain/instance.ts';
import { contains, parseCidr } from '../../../domain/ip.ts';
import { checkNetworkName } from '../../../domain/names.ts';
import type { NetworkRecord } from '../../../domain/network.ts';
import type { Stored } from '../../../store/keyspace.ts';
import { commit } from '../../commit.ts';
import { type Answer, created, DONE, sync } from '../../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../../http/request.ts';
import type { Route } from '../../http/route.ts';
import { expanded } from '../../instances/expanded.ts';
import { ADDRESSES, INSTANCES, NETWORK_FORWARDS, NETWORKS, NODES, PENDING_NETWORKS, PROFILES } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { type ConfigChange, configField, patched, withoutEmpty } from '../fields.ts';
import { list, projectUrl, urlOf } from '../lists.ts';
import { findMember } from '../member.ts';
import { changeNetwork, removeNetwork, renameNetwork, taken } from './apply.ts';
import { checkNetworkConfig } from './config.ts';
import { checkApart, createNetwork } from './create.ts';
import { configOn, onlyMemberKeys, shownPending, splitConfig } from './members.ts';
import { answerState } from './state.ts';

export function networkRoutes(lxd: Lxd): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/1.0/networks',
      access: 'trusted',
      handle: request =>
        list(
          request,
          allOf(lxd, request),
          ({ name }) => urlOf('networks', name),
          network => network,
        ),
    },
    { method: 'POST', path: '/1.0/networks', access: 'admin', handle: request => createNetwork(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/networks/:name',
      access: 'trusted',
      handle: request => {
        const pending = lxd.view.get(PENDING_NETWORKS.key(request.params.name!))?.value;
        const { target } = request.query;
        if (pending !== undefined) return sync(shownPending(pending, target));
        const { value } = find(lxd, request);
        return sync(shown(lxd, value, target), writable(value, target));
      },
    },
    {
      method: 'PUT',
      path: '/1.0/networks/:name',
      access: 'admin',
      handle: request => change(lxd, request, (_old, sent) => withoutEmpty(sent)),
    },
    { method: 'PATCH', path: '/1.0/networks/:name', access: 'admin', handle: request => change(lxd, request, patched) },
    { method: 'POST', path: '/1.0/networks/:name', access: 'admin', handle: request => rename(lxd, request) },
    { method: 'DELETE', path: '/1.0/networks/:name', access: 'admin', handle: request => remove(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/networks/:name/state',
      access: 'trusted',
      handle: request => answerState(lxd, request, find(lxd, request).value.name),
    },
  ];
}

const writable = (network: NetworkRecord, target?: string) => ({
  config: configOn(network, target || undefined),
  description: network.description,
});

function allOf(lxd: Lxd, request: ApiRequest) {
  const { target } = request.query;
  const made = lxd.view.list(NETWORKS).map(({ value }) => shown(lxd, value, target));
  return [...made, ...lxd.view.list(PENDING_NETWORKS).map(({ value }) => shownPending(value, target))];
}

function shown(lxd: Lxd, network: NetworkRecord, target?: string) {
  return {
    name: network.name,
    type: network.type,
    ...writable(network, target),
    managed: true,
    status: 'Created',
    locations: lxd.view.list(NODES).map(({ value }) => value.name),
    used_by: usersOf(lxd, network.name),
  };
}

function find(lxd: Lxd, request: ApiRequest): Stored<NetworkRecord> {
  const name = request.params.name!;
  return lxd.view.get(NETWORKS.key(name)) ?? fail('not-found', `Network not found: ${name}`);
}

async function change(lxd: Lxd, request: ApiRequest, next: ConfigChange): Promise<Answer> {
  const old = find(lxd, request);
  const target = request.query.target && findMember(lxd.view, request.query.target).value.name;
  matchEtag(request, writable(old.value, target));
  const sent = await readBody(request, z.object({ config: configField, description: z.string().nullish() }));
  const { description = '' } = request.method === 'PATCH' ? old.value : {};
  const record: NetworkRecord = {
    ...old.value,
    description: sent.description ?? description,
    ...nextConfig(old.value, target, next, sent.config),
  };
  for (const own of [{}, ...Object.values(record.members ?? {})])
    checkNetworkConfig({ ...record, config: { ...record.config, ...own } });
  if (record.joined)
    checkApart(
      record,
      lxd.view.list(NETWORKS).map(({ value }) => value),
    );
  checkHolders(lxd, record);
  await changeNetwork(lxd, old, record);
  return DONE;
}

/** With a target only what that member has for itself may differ from before. */
function nextConfig(old: NetworkRecord, target: string | undefined, next: ConfigChange, sent: Config) {
  if (!target) return { config: next(old.config, sent) };
  const [before] = splitConfig(old.config);
  const [common, own] = splitConfig(next(configOn(old, target), sent));
  const keys = new Set([...Object.keys(before), ...Object.keys(common)]);
  const changed = [...keys].filter(key => before[key] !== common[key]);
  onlyMemberKeys(Object.fromEntries(changed.map(key => [key, common[key] ?? ''])));
  return { members: { ...old.members, [target]: own } };
}

/** Addresses stay with their instances, so the network stays where they are. */
function checkHolders({ view }: Lxd, record: NetworkRecord): void {
  const subnets = ['ipv4.address', 'ipv6.address'].flatMap(key => parseCidr(record.config[key] ?? '') ?? []);
  const out = view
    .list(ADDRESSES, record.name)
    .find(({ value }) => !subnets.some(each => contains(each, value.address)));
  if (out === undefined || (subnets.length === 0 && !record.joined)) return;
  const key = out.value.address.includes(':') ? 'ipv6.address' : 'ipv4.address';
  fail(
    'invalid',
    `"${key}": an instance has address ${out.value.address} on network "${record.name}", which would be outside`,
  );
}

async function remove(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const pending = lxd.view.get(PENDING_NETWORKS.key(request.params.name!));
  if (pending !== undefined) {
    await commit(lxd, PENDING_NETWORKS.remove(pending));
    return DONE;
  }
  const old = find(lxd, request);
  checkUnused(lxd, old.value.name);
  await removeNetwork(lxd, old);
  return DONE;
}

async function rename(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const old = find(lxd, request);
  const sent = await readBody(request, z.object({ name: z.string() }));
  const name = checkNetworkName(sent.name);
  if (lxd.view.get(NETWORKS.key(name)) !== undefined) throw taken(name);
  if (!old.value.joined)
    fail('invalid', `Network "${old.value.name}" is a bridge that was on the hosts before: its name is theirs`);
  if (lxd.view.list(NETWORK_FORWARDS, old.value.name).length > 0)
    fail('invalid', `Network "${old.value.name}" has forwards; remove them first`);
  checkUnused(lxd, old.value.name);
  checkApart(
    { ...old.value, name },
    lxd.view.list(NETWORKS).flatMap(({ value }) => (value.name === old.value.name ? [] : value)),
  );
  await renameNetwork(lxd, old, name);
  return created(urlOf('networks', name));
}

function checkUnused(lxd: Lxd, name: string): void {
  const [user] = usersOf(lxd, name);
  if (user !== undefined) fail('invalid', `The network "${name}" is currently in use, e.g. by ${user}`);
}

function usersOf(lxd: Lxd, name: string): readonly string[] {
  const uses = (devices: Readonly<Record<string, Readonly<Record<string, string>>>>) =>
    Object.values(devices).some(({ type, network, parent }) => type === 'nic' && (network === name || parent === name));
  const instances = lxd.view.list(INSTANCES).filter(({ value }) => uses(expanded(lxd.view, value).devices));
  const profiles = lxd.view.list(PROFILES).filter(({ value }) => uses(value.devices));
  return [
    ...instances.map(({ value }) => projectUrl(value.project, 'instances', value.name)),
    ...profiles.map(({ value }) => projectUrl(value.project, 'profiles', value.name)),
  ];
}
