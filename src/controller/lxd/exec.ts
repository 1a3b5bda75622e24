/** `POST /1.0/instances/N/exec`: runs a command in an instance, with the client attached by websockets or without. */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import type { Config, InstanceRecord } from '../../domain/instance.ts';
import { type Answer, started } from '../http/answer.ts';
import { type ApiRequest, readBody } from '../http/request.ts';
import { expanded } from '../instances/expanded.ts';
import { STATUS } from '../spaces.ts';
import type { Lxd } from './context.ts';
import { configField, flagField, textField } from './fields.ts';
import { findInstance } from './instance.ts';
import { sessionOperation } from './operation.ts';

export const countField = z
  .number()
  .int()
  .nonnegative()
  .nullish()
  .transform(value => value ?? 0);

const body = z.object({
  command: z.array(z.string()).min(1, 'a command is needed'),
  environment: configField,
  interactive: flagField,
  'wait-for-websocket': flagField,
  'record-output': flagField,
  width: countField,
  height: countField,
  user: countField,
  group: countField,
  cwd: textField,
});

export async function exec(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value: instance } = findInstance(lxd, request);
  const { command, interactive, user, group, cwd, width, height, ...sent } = await readBody(request, body);
  await mustRun(lxd, instance);
  const { config } = expanded(lxd.view, instance);
  const record = await lxd.sessions.begin({
    project: instance.project,
    instance: instance.name,
    node: instance.node,
    attached: sent['wait-for-websocket'],
    record: sent['record-output'],
    shown: { command, environment: sent.environment, interactive },
    start: {
      ref: { id: instance.id, generation: BigInt(instance.generation) },
      command,
      environment: environmentOf(config, sent.environment, user),
      interactive,
      ...(width > 0 && height > 0 ? { size: { width, height } } : {}),
      user,
      group,
      cwd,
    } as Parameters<Lxd['sessions']['begin']>[0]['start'],
  });
  return started(sessionOperation(record));
}

/** LXD's defaults, then the instance's `environment.*`, then what the client sends. */
export function environmentOf(config: Config, sent: Config, user: number): Config {
  const own = Object.entries(config)
    .filter(([key]) => key.startsWith('environment.'))
    .map(([key, value]) => [key.slice('environment.'.length), value] as const);
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin',
    ...(user === 0 ? { HOME: '/root', USER: 'root' } : {}),
    LANG: 'C.UTF-8',
    ...Object.fromEntries(own),
    ...sent,
  };
}

/** The view may lag behind a start that has just ended; its host knows. */
export async function mustRun(lxd: Lxd, instance: InstanceRecord): Promise<void> {
  if (lxd.view.get(STATUS.key(instance.id))?.value.state === 'running') return;
  const ref = { id: instance.id, generation: BigInt(instance.generation) };
  const { status } = await lxd.agents.of(instance.node).getInstanceState(ref);
  if (status?.state === 'frozen') fail('invalid', 'Instance is frozen');
  if (status?.state !== 'running') fail('invalid', 'Instance is not running');
}
