/** `PUT .../state`: start, stop, restart, freeze, unfreeze. */
import { z } from 'zod';
import { AppError } from '../../domain/errors.ts';
import { beginChangeState, STATE_ACTIONS } from '../commands/change-state.ts';
import { type Answer, started } from '../http/answer.ts';
import { type ApiRequest, readBody } from '../http/request.ts';
import { getInstance } from '../instances/instance-store.ts';
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
  const { action, force } = sent;
  if (sent.stateful) {
    getInstance(lxd.view, project, name);
    throw new AppError('unsupported', 'Stateful stop and start are not supported by this version of Berth; move is');
  }
  const timeoutSeconds = sent.timeout === 0 ? -1 : sent.timeout; // clients send 0 where they give no limit
  return beginChangeState(lxd, { project, name, action, force, timeoutSeconds }, requestorOf(request));
}
