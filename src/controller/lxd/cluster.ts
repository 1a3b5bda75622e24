/** `/1.0/cluster`: the hosts. LXD's servers are members of their cluster; here the members are the nodes with an agent. */
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import { checkName } from '../../domain/names.ts';
import { beginEvacuateNode, beginRemoveNode, beginRestoreNode } from '../commands/evacuate-node.ts';
import { commit } from '../commit.ts';
import { type Answer, DONE, started, sync } from '../http/answer.ts';
import { type ApiRequest, isTrue, matchEtag, readBody } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { isLost } from '../saga/live-agents.ts';
import { INSTANCES, NODE_STATUS, NODES, VOLUMES } from '../spaces.ts';
import { joinNode, nodeExists } from '../trust/join.ts';
import { issueToken } from '../trust/tokens.ts';
import type { Lxd } from './context.ts';
import { configField, patched, textField, withoutEmpty } from './fields.ts';
import { list, urlOf } from './lists.ts';
import { findMember, shownMember, writableMember } from './member.ts';
import { sagaOperation } from './operation.ts';
import { requestorOf } from './requestor.ts';

export function clusterRoutes(lxd: Lxd): readonly Route[] {
  const member = (request: ApiRequest) => findMember(lxd.view, request.params.name!);
  return [
    {
      method: 'GET',
      path: '/1.0/cluster',
      access: 'trusted',
      handle: () => {
        const cluster = { server_name: lxd.controller, enabled: true, member_config: [] };
        return sync(cluster, cluster);
      },
    },
    {
      method: 'PUT',
      path: '/1.0/cluster',
      access: 'admin',
      handle: () => fail('invalid', 'This server is clustered already; hosts are added with a join token'),
    },
    { method: 'POST', path: '/1.0/cluster/join', access: 'anyone', handle: request => join(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/cluster/members',
      access: 'trusted',
      handle: request =>
        list(
          request,
          lxd.view.list(NODES).map(({ value }) => value),
          ({ name }) => urlOf('cluster', 'members', name),
          node => shownMember(lxd.view, node),
        ),
    },
    { method: 'POST', path: '/1.0/cluster/members', access: 'admin', handle: request => invite(lxd, request) },
    {
      method: 'GET',
      path: '/1.0/cluster/members/:name',
      access: 'trusted',
      handle: request => {
        const { value } = member(request);
        return sync(shownMember(lxd.view, value), writableMember(value));
      },
    },
    {
      method: 'PUT',
      path: '/1.0/cluster/members/:name',
      access: 'admin',
      handle: request => change(lxd, request, (_old, sent) => withoutEmpty(sent)),
    },
    {
      method: 'PATCH',
      path: '/1.0/cluster/members/:name',
      access: 'admin',
      handle: request => change(lxd, request, patched),
    },
    {
      method: 'POST',
      path: '/1.0/cluster/members/:name',
      access: 'admin',
      handle: request => {
        member(request);
        return fail(
          'unsupported',
          'A member cannot be renamed: its certificate carries its name. Remove it and join it anew',
        );
      },
    },
    {
      method: 'DELETE',
      path: '/1.0/cluster/members/:name',
      access: 'admin',
      handle: request => remove(lxd, request),
    },
    {
      method: 'POST',
      path: '/1.0/cluster/members/:name/state',
      access: 'admin',
      handle: request => changeState(lxd, request),
    },
    {
      method: 'GET',
      path: '/1.0/cluster/members/:name/doctor',
      access: 'trusted',
      handle: async request => {
        const { checks } = await lxd.agents.of(member(request).value.name).examine({});
        return sync({ checks: checks.map(({ name, status, detail, advice }) => ({ name, status, detail, advice })) });
      },
    },
  ];
}

/** A stranger with a secret. Its answer is all that it needs to be one of us. */
async function join(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const body = await readBody(
    request,
    z.object({
      server_name: z.string(),
      secret: z.string(),
      csr: z.string(),
      address: z.string(),
      architecture: z.string().default('x86_64'),
    }),
  );
  const { ca, certificate } = await joinNode(lxd, lxd.secrets, { ...body, node: body.server_name });
  request.log.info('node joined', { node: body.server_name, address: body.address });
  return sync({ ca, certificate, controllers: lxd.addresses() });
}

async function invite(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { server_name } = await readBody(request, z.object({ server_name: z.string() }));
  const node = checkName('node', server_name);
  if (lxd.view.get(NODES.key(node)) !== undefined) throw nodeExists(node);
  const token = await issueToken(lxd, { kind: 'join', node });
  return started((await lxd.operations.find(token.id)).operation);
}

const stateBody = z.object({ action: z.enum(['evacuate', 'restore']), mode: textField });

async function changeState(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { name: node } = findMember(lxd.view, request.params.name!).value;
  const { action, mode } = await readBody(request, stateBody);
  const record =
    action === 'evacuate'
      ? await beginEvacuateNode(lxd, { node, mode }, requestorOf(request))
      : await beginRestoreNode(lxd, { node }, requestorOf(request));
  return started(sagaOperation(record));
}

const memberBody = z.object({
  roles: z.array(z.string()).nullish(),
  failure_domain: z.string().optional(),
  description: textField,
  config: configField,
  groups: z.array(z.string()).nullish(),
});

type ConfigChange = (
  old: Readonly<Record<string, string>>,
  sent: Readonly<Record<string, string>>,
) => Readonly<Record<string, string>>;

async function change(lxd: Lxd, request: ApiRequest, next: ConfigChange): Promise<Answer> {
  const old = findMember(lxd.view, request.params.name!);
  matchEtag(request, writableMember(old.value));
  const sent = await readBody(request, memberBody);
  const config = next(old.value.config, sent.config);
  for (const [key, value] of Object.entries(config)) checkMemberKey(key, value);
  const record = {
    ...old.value,
    roles: sent.roles ?? old.value.roles,
    failureDomain: sent.failure_domain ?? old.value.failureDomain,
    description: sent.description,
    groups: (sent.groups ?? old.value.groups).map(group => checkName('cluster group', group)),
    config,
  };
  await commit(lxd, NODES.replace(old, record));
  return DONE;
}

function checkMemberKey(key: string, value: string): void {
  if (key.startsWith('user.')) return;
  if (key !== 'scheduler.instance') fail('invalid', `Unknown configuration key: "${key}"`);
  if (!['all', 'group', 'manual'].includes(value))
    fail('invalid', `Invalid value for "${key}": "${value}" is not one of all, group, manual`);
}

/** A member with instances stays: removing it would forget where they are. By force one that is away goes with all that it has. */
async function remove(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const old = findMember(lxd.view, request.params.name!);
  const { name } = old.value;
  if (isTrue(request.query.force) && isLost(lxd.view, name)) {
    const begun = await beginRemoveNode(lxd, { node: name }, requestorOf(request));
    const { state, error } = await lxd.engine.finished(begun.id);
    if (state !== 'succeeded')
      throw new AppError(error?.code ?? 'internal', error?.message ?? `its removal is ${state}`);
    return DONE;
  }
  const instances = lxd.view.list(INSTANCES).filter(({ value }) => value.node === name || value.moving?.to === name);
  if (instances.length > 0)
    fail(
      'invalid',
      `Cluster member "${name}" has ${instances.length} instance(s), e.g. ${instances[0]!.value.name}: evacuate it first, or delete them`,
    );
  const volumes = lxd.view.list(VOLUMES).filter(({ value }) => value.node === name);
  if (volumes.length > 0)
    fail(
      'invalid',
      `Cluster member "${name}" has ${volumes.length} custom volume(s), e.g. ${volumes[0]!.value.name}: move them first, or delete them`,
    );
  if (lxd.view.get(NODE_STATUS.key(name))?.value.state !== 'online')
    fail('invalid', `Cluster member "${name}" is offline: remove it with force if it will not come back`);
  await commit(lxd, NODES.remove(old));
  return DONE;
}
