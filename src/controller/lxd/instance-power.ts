/** `PUT .../state`: start, stop, restart, freeze, unfreeze; `PUT /1.0/instances`: the same with all of a project. */
import { z } from 'zod';
import { beginChangeMany, beginChangeState, STATE_ACTIONS } from '../commands/change-state.ts';
import { type Answer, started } from '../http/answer.ts';
import { type ApiRequest, readBody } from '../http/request.ts';
import type { Lxd } from './context.ts';
import { flagField } from './fields.ts';
import { findInstance } from './instance.ts';
import { sagaOperation } from './operation.ts';
import { projectOf } from './project.ts';
import { requestorOf } from './requestor.ts';

const change = z.object({
  action: z.enum(STATE_ACTIONS),
  timeout: z
    .number()
    .nullish()
    .transform(value => value ?? -1),
  force: flagField,
  stateful: flagField,
});

export async function changeState(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { project, name } = findInstance(lxd, request).value;
  const sent = wish(await readBody(request, change));
  return started(sagaOperation(await beginChangeState(lxd, { project, name, ...sent }, requestorOf(request))));
}

export async function changeStates(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const project = projectOf(request);
  const { state } = await readBody(request, z.object({ state: change }));
  return started(sagaOperation(await beginChangeMany(lxd, { project, ...wish(state) }, requestorOf(request))));
}

/** Clients send a time of 0 where they give no limit. */
function wish({ timeout, ...rest }: z.infer<typeof change>) {
  return { ...rest, timeoutSeconds: timeout === 0 ? -1 : timeout };
}
