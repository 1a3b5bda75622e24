/** `/1.0/networks/N/forwards`: addresses outside that lead to instances inside, wherever they run. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { AppError, fail } from '../../../domain/errors.ts';
import { contains, parseCidr, shortest } from '../../../domain/ip.ts';
import type { NetworkRecord } from '../../../domain/network.ts';
import { type ForwardPort, type ForwardRecord, waysOf } from '../../../domain/network-forward.ts';
import type { Stored } from '../../../store/keyspace.ts';
import { commit } from '../../commit.ts';
import { type Answer, created, DONE, sync } from '../../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../../http/request.ts';
import type { Route } from '../../http/route.ts';
import { ADDRESSES, NETWORK_FORWARDS, NETWORKS } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { configField, patched, textField, withoutEmpty } from '../fields.ts';
import { list, urlOf } from '../lists.ts';

const portField = z.object({
  description: textField,
  protocol: z.enum(['tcp', 'udp']),
  listen_port: z.string(),
  target_port: textField,
  target_address: z.string(),
});
const sentForward = z.object({ description: textField, config: configField, ports: z.array(portField).nullish() });

const ALL = '/1.0/networks/:name/forwards';
const ONE = `${ALL}/:listen`;

export function networkForwardRoutes(lxd: Lxd): readonly Route[] {
  return [
    { method: 'GET', path: ALL, access: 'trusted', handle: request => listAll(lxd, request) },
    { method: 'POST', path: ALL, access: 'admin', handle: request => create(lxd, request) },
    {
      method: 'GET',
      path: ONE,
      access: 'trusted',
      handle: request => {
        const { value } = find(lxd, request);
        return sync(shown(value), writable(value));
      },
    },
    { method: 'PUT', path: ONE, access: 'admin', handle: request => change(lxd, request, false) },
    { method: 'PATCH', path: ONE, access: 'admin', handle: request => change(lxd, request, true) },
    {
      method: 'DELETE',
      path: ONE,
      access: 'admin',
      handle: async request => {
        await commit(lxd, NETWORK_FORWARDS.remove(find(lxd, request)));
        return DONE;
      },
    },
  ];
}

const writable = ({ description, config, ports }: ForwardRecord) => ({ description, config, ports });
/** It is wherever its targets are: no member has it for itself. */
const shown = (forward: ForwardRecord) => ({ listen_address: forward.listen, location: '', ...writable(forward) });

function listAll(lxd: Lxd, request: ApiRequest): Answer {
  const { name } = networkOf(lxd, request).value;
  const forwards = lxd.view.list(NETWORK_FORWARDS, name).map(({ value }) => value);
  return list(request, forwards, ({ listen }) => urlOf('networks', name, 'forwards', listen), shown);
}

async function create(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value: network } = networkOf(lxd, request);
  const sent = await readBody(request, sentForward.extend({ listen_address: z.string() }));
  const listen = listenAddress(sent.listen_address);
  if (!network.joined)
    fail(
      'invalid',
      `Network "${network.name}" is a bridge that was on the hosts before: Berth forwards to networks that it makes`,
    );
  checkOutside(lxd, listen);
  const taken = () => new AppError('exists', `A forward for ${listen} already exists`);
  if (lxd.view.list(NETWORK_FORWARDS).some(({ value }) => value.listen === listen)) throw taken();
  const record = checked(network, {
    network: network.name,
    listen,
    description: sent.description,
    config: withoutEmpty(sent.config),
    ports: sent.ports ?? [],
  });
  await commit(lxd, NETWORK_FORWARDS.create(NETWORK_FORWARDS.key(network.name, listen), record), taken);
  return created(urlOf('networks', network.name, 'forwards', listen));
}

async function change(lxd: Lxd, request: ApiRequest, partly: boolean): Promise<Answer> {
  const old = find(lxd, request);
  matchEtag(request, writable(old.value));
  const sent = await readBody(request, sentForward);
  const present = old.value;
  const ports: readonly ForwardPort[] = sent.ports ?? (partly ? present.ports : []);
  const config = partly ? patched(present.config, sent.config) : withoutEmpty(sent.config);
  const description = partly ? sent.description || present.description : sent.description;
  const record = checked(networkOf(lxd, request).value, { ...present, description, config, ports });
  await commit(lxd, NETWORK_FORWARDS.replace(old, record));
  return DONE;
}

/** Of a bridge that was there before, any address may be meant that nobody has: it is the wire outside. */
function checkOutside({ view }: Lxd, listen: string): void {
  for (const { value } of view.list(NETWORKS)) {
    const its = subnets(value).find(each => contains(each, listen));
    if (its === undefined || (!value.joined && its.address !== listen && !view.get(ADDRESSES.key(value.name, listen))))
      continue;
    fail('invalid', `"listen_address": ${listen} is an address of network "${value.name}" itself`);
  }
}

function checked(network: NetworkRecord, record: ForwardRecord): ForwardRecord {
  waysOf(record, address => subnets(network).some(each => contains(each, address) && each.address !== address));
  return record;
}

const subnets = ({ config }: NetworkRecord) =>
  ['ipv4.address', 'ipv6.address'].flatMap(key => parseCidr(config[key] ?? '') ?? []);

/** One that a host can have beside its own. */
function listenAddress(text: string): string {
  const family = isIP(text);
  const usable =
    family === 4
      ? !/^(0|127|22[4-9]|2[3-5]\d)\./.test(text)
      : family === 6 && !/^(::1?$|f[ef])/i.test(text) && !text.includes('%');
  if (!usable) fail('invalid', `Invalid value for "listen_address": "${text}" is not an address that a host can have`);
  return shortest(text);
}

function networkOf(lxd: Lxd, request: ApiRequest): Stored<NetworkRecord> {
  const name = request.params.name!;
  return lxd.view.get(NETWORKS.key(name)) ?? fail('not-found', `Network not found: ${name}`);
}

function find(lxd: Lxd, request: ApiRequest): Stored<ForwardRecord> {
  const { name } = networkOf(lxd, request).value;
  const listen = request.params.listen!;
  const key = NETWORK_FORWARDS.key(name, isIP(listen) === 0 || listen.includes('%') ? listen : shortest(listen));
  return lxd.view.get(key) ?? fail('not-found', `Network forward not found: ${listen}`);
}
