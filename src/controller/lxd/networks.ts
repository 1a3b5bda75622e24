/** `/1.0/networks`: bridges that every node has under one name. */
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import { checkNetworkName } from '../../domain/names.ts';
import type { NetworkRecord } from '../../domain/network.ts';
import type { Stored } from '../../store/keyspace.ts';
import { commit } from '../commit.ts';
import { type Answer, created, DONE, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { expanded } from '../instances/expanded.ts';
import { INSTANCES, NETWORKS, NODES, PROFILES } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { type ConfigChange, configField, patched, textField, withoutEmpty } from './fields.ts';
import { list, projectUrl, urlOf } from './lists.ts';
import { checkNetworkConfig } from './network-config.ts';
import { onEveryNode } from './on-nodes.ts';

export function networkRoutes(lxd: Lxd): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/1.0/networks',
      access: 'trusted',
      handle: request =>
        list(
          request,
          lxd.view.list(NETWORKS).map(({ value }) => value),
          ({ name }) => urlOf('networks', name),
          network => shown(lxd, network),
        ),
    },
    { method: 'POST', path: '/1.0/networks', access: 'admin', handle: request => create(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/networks/:name',
      access: 'trusted',
      handle: request => {
        const { value } = find(lxd, request);
        return sync(shown(lxd, value), writable(value));
      },
    },
    {
      method: 'PUT',
      path: '/1.0/networks/:name',
      access: 'admin',
      handle: request => change(lxd, request, (_old, sent) => withoutEmpty(sent)),
    },
    { method: 'PATCH', path: '/1.0/networks/:name', access: 'admin', handle: request => change(lxd, request, patched) },
    { method: 'DELETE', path: '/1.0/networks/:name', access: 'admin', handle: request => remove(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/networks/:name/state',
      access: 'trusted',
      handle: request => sync(stateOf(find(lxd, request).value)),
    },
  ];
}

const writable = ({ config, description }: NetworkRecord) => ({ config, description });

function shown(lxd: Lxd, network: NetworkRecord) {
  return {
    name: network.name,
    type: network.type,
    ...writable(network),
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

async function create(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const sent = await readBody(
    request,
    z.object({ name: z.string(), type: textField, config: configField, description: textField }),
  );
  const name = checkNetworkName(sent.name);
  if (sent.type !== '' && sent.type !== 'bridge')
    fail('unsupported', `Network type "${sent.type}" is not supported by this version of Berth (bridge)`);
  // LXD's clients name each member before the whole; here a network is on every node from the start.
  if (request.query.target) return DONE;
  const record: NetworkRecord = {
    name,
    type: 'bridge',
    description: sent.description,
    config: withoutEmpty(sent.config),
  };
  checkNetworkConfig(record);
  const key = NETWORKS.key(name);
  if (lxd.view.get(key) !== undefined) throw taken(name);
  await onEveryNode(lxd, `network ${name}`, agent => agent.ensureNetwork(record));
  await commit(lxd, NETWORKS.create(key, record), () => taken(name));
  return created(urlOf('networks', name));
}

async function change(lxd: Lxd, request: ApiRequest, next: ConfigChange): Promise<Answer> {
  const old = find(lxd, request);
  matchEtag(request, writable(old.value));
  const sent = await readBody(request, z.object({ config: configField, description: textField }));
  const record = { ...old.value, description: sent.description, config: next(old.value.config, sent.config) };
  checkNetworkConfig(record);
  await commit(lxd, NETWORKS.replace(old, record));
  await onEveryNode(lxd, `network ${record.name}`, agent => agent.ensureNetwork(record));
  return DONE;
}

async function remove(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const old = find(lxd, request);
  const { name } = old.value;
  const [user] = usersOf(lxd, name);
  if (user !== undefined) fail('invalid', `The network "${name}" is currently in use, e.g. by ${user}`);
  await commit(lxd, NETWORKS.remove(old));
  await onEveryNode(lxd, `network ${name}`, agent => agent.ensureNoNetwork({ name }));
  return DONE;
}

const taken = (name: string) => new AppError('exists', `The network already exists: ${name}`);

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

/** What all nodes have in common; counters differ from node to node and are not summed up. */
function stateOf({ config }: NetworkRecord) {
  const [address, netmask] = (config['ipv4.address'] ?? '').split('/');
  return {
    addresses: netmask === undefined ? [] : [{ family: 'inet', address, netmask, scope: 'global' }],
    counters: { bytes_received: 0, bytes_sent: 0, packets_received: 0, packets_sent: 0 },
    hwaddr: '',
    mtu: Number(config['bridge.mtu'] ?? 1500),
    state: 'up',
    type: 'broadcast',
    bond: null,
    bridge: null,
    vlan: null,
    ovn: null,
  };
}
