/** `/1.0/storage-pools`: places for root file systems that every node has under one name. */
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import { checkName } from '../../domain/names.ts';
import { POOL_DRIVERS, type PoolDriver, type StoragePoolRecord } from '../../domain/storage-pool.ts';
import { size } from '../../domain/values.ts';
import type { Stored } from '../../store/keyspace.ts';
import { commit } from '../commit.ts';
import { type Answer, created, DONE, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { INSTANCES, NODE_STATUS, NODES, POOLS, PROFILES, VOLUMES } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { type ConfigChange, configField, patched, textField, withoutEmpty } from './fields.ts';
import { list, projectUrl, urlOf } from './lists.ts';
import { onEveryNode } from './on-nodes.ts';

export function storagePoolRoutes(lxd: Lxd): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/1.0/storage-pools',
      access: 'trusted',
      handle: request =>
        list(
          request,
          lxd.view.list(POOLS).map(({ value }) => value),
          ({ name }) => urlOf('storage-pools', name),
          pool => shown(lxd, pool),
        ),
    },
    { method: 'POST', path: '/1.0/storage-pools', access: 'admin', handle: request => create(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/storage-pools/:name',
      access: 'trusted',
      handle: request => {
        const { value } = find(lxd, request);
        return sync(shown(lxd, value), writable(value));
      },
    },
    {
      method: 'PUT',
      path: '/1.0/storage-pools/:name',
      access: 'admin',
      handle: request => change(lxd, request, (_old, sent) => withoutEmpty(sent)),
    },
    {
      method: 'PATCH',
      path: '/1.0/storage-pools/:name',
      access: 'admin',
      handle: request => change(lxd, request, patched),
    },
    { method: 'DELETE', path: '/1.0/storage-pools/:name', access: 'admin', handle: request => remove(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/storage-pools/:name/resources',
      access: 'trusted',
      handle: request => sync(resourcesOf(lxd, find(lxd, request).value.name, request.query.target)),
    },
  ];
}

const writable = ({ config, description }: StoragePoolRecord) => ({ config, description });

function shown(lxd: Lxd, pool: StoragePoolRecord) {
  return {
    name: pool.name,
    driver: pool.driver,
    ...writable(pool),
    status: 'Created',
    locations: lxd.view.list(NODES).map(({ value }) => value.name),
    used_by: usersOf(lxd, pool.name),
  };
}

function find(lxd: Lxd, request: ApiRequest): Stored<StoragePoolRecord> {
  const name = request.params.name!;
  return lxd.view.get(POOLS.key(name)) ?? fail('not-found', `Storage pool not found: ${name}`);
}

async function create(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const sent = await readBody(
    request,
    z.object({ name: z.string(), driver: z.string(), config: configField, description: textField }),
  );
  const name = checkName('storage pool', sent.name);
  const record: StoragePoolRecord = {
    name,
    driver: checkDriver(sent.driver),
    description: sent.description,
    config: withoutEmpty(sent.config),
  };
  checkPoolConfig(record.config);
  // LXD's clients name each member before the whole; here a pool is on every node from the start.
  if (request.query.target) return DONE;
  const key = POOLS.key(name);
  if (lxd.view.get(key) !== undefined) throw taken(name);
  await onEveryNode(lxd, `storage pool ${name}`, agent => agent.ensurePool(record));
  await commit(lxd, POOLS.create(key, record), () => taken(name));
  return created(urlOf('storage-pools', name));
}

async function change(lxd: Lxd, request: ApiRequest, next: ConfigChange): Promise<Answer> {
  const old = find(lxd, request);
  matchEtag(request, writable(old.value));
  const sent = await readBody(request, z.object({ config: configField, description: textField }));
  const config = next(old.value.config, sent.config);
  checkPoolConfig(config);
  for (const key of ['source', 'size'])
    if (config[key] !== old.value.config[key]) fail('invalid', `"${key}" cannot be changed once the pool exists`);
  await commit(lxd, POOLS.replace(old, { ...old.value, description: sent.description, config }));
  return DONE;
}

async function remove(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const old = find(lxd, request);
  const { name } = old.value;
  const [user] = usersOf(lxd, name);
  if (user !== undefined) fail('invalid', `The storage pool "${name}" is currently in use, e.g. by ${user}`);
  await commit(lxd, POOLS.remove(old));
  await onEveryNode(lxd, `storage pool ${name}`, agent => agent.ensureNoPool({ name }));
  return DONE;
}

function checkDriver(driver: string): PoolDriver {
  const known = POOL_DRIVERS.find(each => each === driver);
  if (known !== undefined) return known;
  return fail(
    'invalid',
    `Storage driver "${driver}" is not supported by this version of Berth (${POOL_DRIVERS.join(', ')})`,
  );
}

function checkPoolConfig(config: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(config)) {
    if (key.startsWith('user.') || key.startsWith('volatile.') || key === 'source') continue;
    if (key !== 'size') fail('invalid', `Unknown configuration key for a storage pool: "${key}" (known: source, size)`);
    size(key, value);
  }
}

const taken = (name: string) => new AppError('exists', `The storage pool already exists: ${name}`);

function usersOf(lxd: Lxd, name: string): readonly string[] {
  const instances = lxd.view.list(INSTANCES).filter(({ value }) => value.pool === name);
  const profiles = lxd.view
    .list(PROFILES)
    .filter(({ value }) => Object.values(value.devices).some(device => device.type === 'disk' && device.pool === name));
  const volumes = lxd.view.list(VOLUMES).filter(({ value }) => value.pool === name);
  return [
    ...instances.map(({ value }) => projectUrl(value.project, 'instances', value.name)),
    ...profiles.map(({ value }) => projectUrl(value.project, 'profiles', value.name)),
    ...volumes.map(({ value }) => projectUrl(value.project, 'storage-pools', name, 'volumes', 'custom', value.name)),
  ];
}

/** Of one node, or of all together; nodes that are away count with what they last said. */
function resourcesOf(lxd: Lxd, pool: string, node: string | undefined) {
  const facts = lxd.view
    .list(NODE_STATUS)
    .filter(({ value }) => node === undefined || node === '' || value.name === node)
    .flatMap(({ value }) => value.pools.filter(({ name }) => name === pool));
  const sum = (field: 'usedBytes' | 'totalBytes') => facts.reduce((total, each) => total + each[field], 0);
  return { space: { used: sum('usedBytes'), total: sum('totalBytes') }, inodes: { used: 0, total: 0 } };
}
