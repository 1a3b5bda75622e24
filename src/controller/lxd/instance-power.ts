/** `PUT .../state`: start, stop, restart, freeze, unfreeze. */
import { z } from 'zod';
import { beginChangeState, STATE_ACTIONS } from '../commands/change-state.ts';
import { type Answer, started } from '../http/answer.ts';
import { type ApiRequest, readBody } from '../http/request.ts';
import type { Lxd } from './context.ts';
import { flagField } from './fields.ts';
import { findInstance } from './instance.ts';
import { sagaOperation } from './operation.ts';
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
type Change = z.infer<typeof change>;

export async function changeState(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { project, name } = findInstance(lxd, request).value;
  const sent = await readBody(request, change);
  return started(sagaOperation(await begin(lxd, request, project, name, sent)));
}

async function begin(lxd: Lxd, request: ApiRequest, project: string, name: string, sent: Change) {
  const { action, force, stateful } = sent;
  const timeoutSeconds = sent.timeout === 0 ? -1 : sent.timeout; // clients send 0 where they give no limit
  return beginChangeState(lxd, { project, name, action, force, stateful, timeoutSeconds }, requestorOf(request));
}
