/**
 * `.../console`: a login on a terminal. Instances have no /dev/console: the host's end of it could not be moved with them
 * (CRIU), so that a login program on a terminal of its own stands in for the getty, and nothing is logged.
 */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import { type Answer, started } from '../http/answer.ts';
import { type ApiRequest, readBody } from '../http/request.ts';
import { refOf } from '../instances/expanded.ts';
import type { Lxd } from './context.ts';
import { countField, environmentOf, mustRun } from './exec.ts';
import { findInstance } from './instance.ts';
import { sessionOperation } from './operation.ts';

const body = z.object({ type: z.string().nullish(), width: countField, height: countField });

/** The client's terminal is joined by the websocket "0"; the session is over when it closes "control". */
export async function openConsole(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = findInstance(lxd, request);
  const { type, width, height } = await readBody(request, body);
  if (type && type !== 'console') fail('invalid', `Invalid "type": containers have no console of type "${type}"`);
  await mustRun(lxd, value);
  const record = await lxd.sessions.begin({
    description: 'Showing console',
    project: value.project,
    instance: value.name,
    node: value.node,
    attached: true,
    detachable: true,
    record: false,
    shown: {},
    start: {
      ref: refOf(value, value.generation),
      command: ['login', '-p'],
      environment: { ...environmentOf({}, { TERM: 'xterm' }, 0) },
      interactive: true,
      ...(width > 0 && height > 0 ? { size: { width, height } } : {}),
    } as Parameters<Lxd['sessions']['begin']>[0]['start'],
  });
  return started(sessionOperation(record));
}

export function consoleLog(lxd: Lxd, request: ApiRequest): Answer {
  const { name } = findInstance(lxd, request).value;
  return fail(
    'unsupported',
    `Instance ${name} has no console log: /dev/console cannot be moved while it runs. Read its journal: exec ${name} -- journalctl -b`,
  );
}
