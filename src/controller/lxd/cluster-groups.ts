/**
 * `/1.0/cluster/groups`: names that members carry and that `?target=@GROUP` chooses among. Who is in a group stands with
 * the member; a group has a record of its own so that it can be empty and described.
 */
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import { checkName } from '../../domain/names.ts';
import type { NodeRecord } from '../../domain/node.ts';
import { type Stored, together } from '../../store/keyspace.ts';
import type { Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { commit } from '../commit.ts';
import { type Answer, created, DONE, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { CLUSTER_GROUPS, NODES } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { list, urlOf } from './lists.ts';

interface Group {
  readonly name: string;
  readonly description: string;
  readonly members: readonly string[];
}

export function clusterGroupRoutes(lxd: Lxd): readonly Route[] {
  const path = '/1.0/cluster/groups/:name';
  return [
    {
      method: 'GET',
      path: '/1.0/cluster/groups',
      access: 'trusted',
      handle: request =>
        list(
          request,
          allGroups(lxd.view),
          ({ name }) => urlOf('cluster', 'groups', name),
          group => group,
        ),
    },
    { method: 'POST', path: '/1.0/cluster/groups', access: 'admin', handle: request => create(lxd, request) },
    {
      method: 'GET',
      path,
      access: 'trusted',
      handle: ({ params }) => {
        const group = find(lxd.view, params.name!);
        return sync(group, writable(group));
      },
    },
    { method: 'PUT', path, access: 'admin', handle: request => change(lxd, request) },
    { method: 'PATCH', path, access: 'admin', handle: request => change(lxd, request) },
    { method: 'POST', path, access: 'admin', handle: request => rename(lxd, request) },
    { method: 'DELETE', path, access: 'admin', handle: request => remove(lxd, request) },
  ];
}

const writable = ({ description, members }: Group) => ({ description, members });

function allGroups(view: View): readonly Group[] {
  const nodes = view.list(NODES).map(({ value }) => value);
  const described = view.list(CLUSTER_GROUPS).map(({ value }) => value);
  const names = new Set(['default', ...described.map(({ name }) => name), ...nodes.flatMap(({ groups }) => groups)]);
  return [...names].map(name => ({
    name,
    description: described.find(each => each.name === name)?.description ?? '',
    members: nodes.filter(({ groups }) => groups.includes(name)).map(node => node.name),
  }));
}

function find(view: View, name: string): Group {
  return allGroups(view).find(each => each.name === name) ?? fail('not-found', `Cluster group not found: ${name}`);
}

const body = z.object({ description: z.string().nullish(), members: z.array(z.string()).nullish() });

async function create(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const sent = await readBody(request, body.extend({ name: z.string() }));
  const name = checkName('cluster group', sent.name);
  if (allGroups(lxd.view).some(each => each.name === name)) throw taken(name);
  const record = { name, description: sent.description ?? '' };
  const joined = membership(lxd.view, name, name, sent.members ?? []);
  await commit(lxd, together(CLUSTER_GROUPS.create(CLUSTER_GROUPS.key(name), record), joined));
  return created(urlOf('cluster', 'groups', name));
}

/** PUT and PATCH: members are all that there shall be, when they are sent. */
async function change(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const old = find(lxd.view, request.params.name!);
  matchEtag(request, writable(old));
  const sent = await readBody(request, body);
  const isPut = request.method === 'PUT';
  const record = { name: old.name, description: sent.description ?? (isPut ? '' : old.description) };
  const members = sent.members ?? (isPut ? [] : old.members);
  await commit(lxd, together(describe(lxd.view, record), membership(lxd.view, old.name, old.name, members)));
  return DONE;
}

async function rename(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const old = find(lxd.view, request.params.name!);
  const sent = await readBody(request, z.object({ name: z.string() }));
  const name = checkName('cluster group', sent.name);
  if (old.name === 'default') fail('forbidden', 'The "default" cluster group cannot be renamed');
  if (allGroups(lxd.view).some(each => each.name === name)) throw taken(name);
  const stored = lxd.view.get(CLUSTER_GROUPS.key(old.name));
  const gone = stored === undefined ? [] : [CLUSTER_GROUPS.remove(stored)];
  const here = CLUSTER_GROUPS.create(CLUSTER_GROUPS.key(name), { name, description: old.description });
  await commit(lxd, together(...gone, here, membership(lxd.view, old.name, name, old.members)));
  return created(urlOf('cluster', 'groups', name));
}

async function remove(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { name, members } = find(lxd.view, request.params.name!);
  if (name === 'default') fail('forbidden', 'The "default" cluster group cannot be deleted');
  if (members.length > 0)
    fail('invalid', `Only empty cluster groups can be removed; ${members.join(', ')} must leave "${name}" first`);
  const stored = lxd.view.get(CLUSTER_GROUPS.key(name));
  if (stored !== undefined) await commit(lxd, CLUSTER_GROUPS.remove(stored));
  return DONE;
}

function describe(view: View, record: { readonly name: string; readonly description: string }): Transaction {
  const key = CLUSTER_GROUPS.key(record.name);
  const stored = view.get(key);
  return stored === undefined ? CLUSTER_GROUPS.create(key, record) : CLUSTER_GROUPS.replace(stored, record);
}

/** Group `from` becomes `to`, and has exactly these members. @throws AppError `invalid` for one that there is not. */
function membership(view: View, from: string, to: string, members: readonly string[]): Transaction {
  const nodes = view.list(NODES);
  const unknown = members.find(name => !nodes.some(({ value }) => value.name === name));
  if (unknown !== undefined) fail('invalid', `Invalid "members": there is no cluster member "${unknown}"`);
  return together(...nodes.flatMap(node => changed(node, from, members.includes(node.value.name) ? to : undefined)));
}

function changed(node: Stored<NodeRecord>, from: string, to: string | undefined): readonly Transaction[] {
  const rest = node.value.groups.filter(group => group !== from);
  const groups =
    to === undefined ? rest : node.value.groups.includes(from) && from === to ? node.value.groups : [...rest, to];
  if (groups.length === node.value.groups.length && groups.every((group, i) => group === node.value.groups[i]))
    return [];
  if (groups.length === 0)
    fail('invalid', `Cluster member "${node.value.name}" would be in no group: put it into another one first`);
  return [NODES.replace(node, { ...node.value, groups })];
}

const taken = (name: string) => new AppError('exists', `A cluster group named "${name}" already exists`);
