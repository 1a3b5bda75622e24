/** `/1.0/warnings`: what is wrong in the cluster; acknowledged or deleted by who looks after it. */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import { SEVERITIES, type WarningRecord } from '../../domain/warning.ts';
import { commit } from '../commit.ts';
import { type Answer, DONE, sync } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { WARNINGS } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { list, urlOf } from './lists.ts';

export function warningRoutes(lxd: Lxd): readonly Route[] {
  const path = '/1.0/warnings/:id';
  return [
    {
      method: 'GET',
      path: '/1.0/warnings',
      access: 'admin',
      handle: request => {
        const { project } = request.query;
        const all = lxd.view
          .list(WARNINGS)
          .map(({ value }) => value)
          .filter(value => !project || value.project === '' || value.project === project)
          .toSorted((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));
        return list(request, all, ({ uuid }) => urlOf('warnings', uuid), shown);
      },
    },
    {
      method: 'GET',
      path,
      access: 'admin',
      handle: request => {
        const { value } = find(lxd, request);
        return sync(shown(value), writable(value));
      },
    },
    { method: 'PUT', path, access: 'admin', handle: request => change(lxd, request) },
    { method: 'PATCH', path, access: 'admin', handle: request => change(lxd, request) },
    {
      method: 'DELETE',
      path,
      access: 'admin',
      handle: async request => {
        await commit(lxd, WARNINGS.remove(find(lxd, request)));
        return DONE;
      },
    },
  ];
}

const writable = ({ status }: WarningRecord) => ({ status });

function shown({ entity, message, firstSeenAt, lastSeenAt, ...warning }: WarningRecord) {
  return {
    ...warning,
    entity_url: entity,
    last_message: message,
    first_seen_at: firstSeenAt,
    last_seen_at: lastSeenAt,
  };
}

function find(lxd: Lxd, { params }: ApiRequest) {
  return lxd.view.get(WARNINGS.key(params.id!)) ?? fail('not-found', `Warning not found: ${params.id}`);
}

async function change(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const stored = find(lxd, request);
  matchEtag(request, writable(stored.value));
  const { status } = await readBody(request, z.object({ status: z.enum(['new', 'acknowledged']) }));
  await commit(lxd, WARNINGS.replace(stored, { ...stored.value, status }));
  return DONE;
}
