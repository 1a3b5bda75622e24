/** `/1.0/operations`: work in progress, whoever does it. */
import { fail } from '../../domain/errors.ts';
import { DONE, sync } from '../http/answer.ts';
import type { Caller } from '../http/caller.ts';
import { type ApiRequest, recursion } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { STEPS_KEY, stepsOf } from '../saga/steps-report.ts';
import { revokeToken } from '../trust/tokens.ts';
import type { Lxd } from './context.ts';
import type { Operation } from './operation.ts';
import type { FoundOperation } from './operations-index.ts';
import { mayEnter, projectsOf } from './project.ts';

export function operationRoutes(lxd: Lxd): readonly Route[] {
  const { operations } = lxd;
  return [
    { method: 'GET', path: '/1.0/operations', access: 'trusted', handle: request => sync(byStatus(lxd, request)) },
    {
      method: 'GET',
      path: '/1.0/operations/:id',
      access: 'trusted',
      handle: async ({ params, caller }) => {
        const { operation, source } = await findFor(lxd, caller, params.id!);
        if (source.kind === 'token') mustBeAdmin(caller);
        return sync(source.kind === 'saga' ? withSteps(operation, source.record) : operation);
      },
    },
    {
      method: 'GET',
      path: '/1.0/operations/:id/wait',
      access: 'trusted',
      handle: async request => {
        await findFor(lxd, request.caller, request.params.id!);
        return sync(await operations.wait(request.params.id!, timeoutMs(request.query.timeout), request.signal));
      },
    },
    {
      method: 'DELETE',
      path: '/1.0/operations/:id',
      access: 'trusted',
      handle: async ({ params, caller }) => {
        const { operation, source } = await findFor(lxd, caller, params.id!);
        if (source.kind === 'token') {
          mustBeAdmin(caller);
          await revokeToken(lxd, source.token);
        } else if (source.kind === 'saga' && operation.may_cancel) await lxd.engine.cancel(operation.id);
        else fail('invalid', "This operation can't be cancelled");
        return DONE;
      },
    },
    {
      method: 'GET',
      path: '/1.0/operations/:id/websocket',
      access: 'anyone', // the secret authorises
      handle: async request => {
        await lxd.sessions.attach(request.params.id!, request.query.secret ?? '', request.upgrade);
        return { kind: 'upgraded' };
      },
    },
  ];
}

/** Clients wait without naming a project: what counts is the operation's own. @throws AppError `not-found`. */
async function findFor(lxd: Lxd, caller: Caller, id: string): Promise<FoundOperation> {
  const found = await lxd.operations.find(id);
  return mayEnter(caller, found.project) ? found : fail('not-found', `Operation not found: ${id}`);
}

/** How it got where it is: told to who asks for this one, not in lists and events. */
function withSteps(operation: Operation, record: SagaRecord): Operation {
  return { ...operation, metadata: { ...operation.metadata, [STEPS_KEY]: stepsOf(record) } };
}

function mustBeAdmin({ access }: Caller): void {
  if (access !== 'admin') fail('forbidden', 'not authorized: this certificate is restricted');
}

/** An object of lists, keyed by the lower-case status. */
function byStatus(lxd: Lxd, request: ApiRequest): Record<string, (string | Operation)[]> {
  const groups: Record<string, (string | Operation)[]> = {};
  const projects = new Set(projectsOf(lxd.view, request));
  for (const { operation, source, project } of lxd.operations.list()) {
    if (!projects.has(project)) continue;
    if (source.kind === 'token' && request.caller.access !== 'admin') continue; // its secret is in it
    const status = operation.status.toLowerCase();
    groups[status] ??= [];
    groups[status].push(recursion(request) === 0 ? `/1.0/operations/${operation.id}` : operation);
  }
  return groups;
}

/** -1 and absent: for ever. */
function timeoutMs(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const seconds = Number(text);
  if (!Number.isFinite(seconds)) fail('invalid', `Invalid "timeout": "${text}" is not a number of seconds`);
  return seconds < 0 ? undefined : seconds * 1000;
}
