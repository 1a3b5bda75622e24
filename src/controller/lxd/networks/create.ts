/** `POST /1.0/networks`: is the bridge there already, which addresses are free, and then it is made. */
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { fail } from '../../../domain/errors.ts';
import { type Cidr, overlap, parseCidr } from '../../../domain/ip.ts';
import { checkNetworkName } from '../../../domain/names.ts';
import { type NetworkRecord, tunnelId } from '../../../domain/network.ts';
import type { NetworkState } from '../../../rpc/gen/berth/agent/v1/network_pb.ts';
import { type Answer, created } from '../../http/answer.ts';
import { type ApiRequest, readBody } from '../../http/request.ts';
import { NETWORKS, PENDING_NETWORKS } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { configField, textField, withoutEmpty } from '../fields.ts';
import { urlOf } from '../lists.ts';
import { onEveryNode } from '../on-nodes.ts';
import { addNetwork, taken } from './apply.ts';
import { withAddresses } from './auto.ts';
import { checkNetworkConfig } from './config.ts';
import { addPending } from './members.ts';

const DICE_SIDES = 2 ** 32;

export async function createNetwork(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const sent = await readBody(
    request,
    z.object({ name: z.string(), type: textField, config: configField, description: textField }),
  );
  const name = checkNetworkName(sent.name);
  if (sent.type !== '' && sent.type !== 'bridge')
    fail(
      'unsupported',
      `Network type "${sent.type}" is not supported: networks are bridges; cards reach an interface of the host by nictype macvlan`,
    );
  if (lxd.view.get(NETWORKS.key(name)) !== undefined) throw taken(name);
  const pending = lxd.view.get(PENDING_NETWORKS.key(name));
  if (request.query.target) {
    await addPending(lxd, name, sent.description, request.query.target, withoutEmpty(sent.config));
    return created(urlOf('networks', name));
  }
  const hosts = await askAll(lxd, name);
  const joined = !hosts.some(({ state }) => state.isBridge && !state.ours);
  const wire = hosts.find(({ state }) => state.there && !state.isBridge);
  if (wire) fail('invalid', `"${name}" is an interface of host ${wire.node} and not a bridge; choose another name`);
  const others = lxd.view.list(NETWORKS).map(({ value }) => value);
  const used = others.flatMap(each => subnetsOf(each));
  const routes = hosts.flatMap(({ state }) => state.routes.flatMap(each => parseCidr(each) ?? []));
  const config = withoutEmpty(sent.config);
  const record: NetworkRecord = {
    name,
    type: 'bridge',
    description: sent.description,
    config: joined
      ? withAddresses(config, [...used.map(({ cidr }) => cidr), ...routes], () => randomInt(DICE_SIDES) / DICE_SIDES)
      : config,
    ...(joined ? { joined } : {}),
    ...(pending === undefined ? {} : { members: pending.value.members }),
  };
  checkNetworkConfig(record);
  for (const own of Object.values(record.members ?? {}))
    checkNetworkConfig({ ...record, config: { ...record.config, ...own } });
  if (joined) checkApart(record, others);
  await addNetwork(lxd, record, pending);
  return created(urlOf('networks', name));
}

/** @throws AppError `invalid` when another network has its addresses, or its tunnels. */
export function checkApart(record: NetworkRecord, others: readonly NetworkRecord[]): void {
  for (const other of others.filter(({ name }) => name !== record.name)) {
    const theirs = subnetsOf(other);
    const clash = subnetsOf(record).find(mine => theirs.some(({ cidr }) => overlap(mine.cidr, cidr)));
    if (clash) fail('invalid', `"${clash.key}": ${record.config[clash.key]} overlaps with network "${other.name}"`);
    if (other.joined && tunnelId(other.name) === tunnelId(record.name))
      fail('invalid', `Network "${record.name}" would have the tunnel of "${other.name}"; choose another name`);
  }
}

function subnetsOf({ config }: NetworkRecord): readonly { readonly key: string; readonly cidr: Cidr }[] {
  return ['ipv4.address', 'ipv6.address'].flatMap(key => {
    const cidr = parseCidr(config[key] ?? '');
    return cidr === undefined ? [] : [{ key, cidr }];
  });
}

async function askAll(
  lxd: Lxd,
  name: string,
): Promise<readonly { readonly node: string; readonly state: NetworkState }[]> {
  const answers: { node: string; state: NetworkState }[] = [];
  await onEveryNode(lxd, `network ${name}`, async (agent, node) => {
    answers.push({ node, state: await agent.getNetworkState({ name }) });
  });
  return answers;
}
