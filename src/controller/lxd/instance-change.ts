/** PUT and PATCH of an instance: its config, devices, profiles and the like. */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import type { Config, InstanceRecord } from '../../domain/instance.ts';
import { beginRestoreSnapshot } from '../commands/snapshots.ts';
import { beginUpdateInstance } from '../commands/update-instance.ts';
import { type Answer, started } from '../http/answer.ts';
import { type ApiRequest, matchEtag, readBody } from '../http/request.ts';
import type { Lxd } from './context.ts';
import { cleanDevices, configField, devicesField, flagField, patched, textField, withoutEmpty } from './fields.ts';
import { findInstance, LAST_POWER, writableInstance } from './instance.ts';
import { sagaOperation } from './operation.ts';
import { requestorOf } from './requestor.ts';

const body = z.object({
  description: textField,
  architecture: textField,
  config: configField,
  devices: devicesField,
  profiles: z.array(z.string()).nullish(),
  ephemeral: flagField,
  stateful: flagField,
  restore: textField,
});

/** All of it at once: what is not sent becomes empty. */
export async function putInstance(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  return change(lxd, request, body, (sent, old) => ({
    description: sent.description,
    architecture: sent.architecture || old.architecture,
    config: own(sent.config),
    devices: cleanDevices(sent.devices),
    profiles: sent.profiles ?? [],
    ephemeral: sent.ephemeral,
  }));
}

const some = z.object({
  description: z.string().optional(),
  config: configField,
  devices: devicesField,
  profiles: z.array(z.string()).nullish(),
  ephemeral: z.boolean().optional(),
  stateful: flagField,
  restore: textField,
});

/** What is sent wins, '' removes, everything else stays. */
export async function patchInstance(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  return change(lxd, request, some, (sent, old) => ({
    description: sent.description ?? old.description,
    architecture: old.architecture,
    config: own(patched(old.config, sent.config)),
    devices: cleanDevices({ ...old.devices, ...sent.devices }),
    profiles: sent.profiles ?? old.profiles,
    ephemeral: sent.ephemeral ?? old.ephemeral,
  }));
}

async function change<S extends z.ZodType<{ readonly restore: string; readonly stateful: boolean }>>(
  lxd: Lxd,
  request: ApiRequest,
  schema: S,
  nextOf: (sent: z.infer<S>, old: InstanceRecord) => Parameters<typeof beginUpdateInstance>[1]['next'],
): Promise<Answer> {
  const { value, modRevision } = findInstance(lxd, request);
  matchEtag(request, writableInstance(value));
  const sent = await readBody(request, schema);
  const { project, name } = value;
  if (sent.restore !== '') {
    // Whatever else was sent with it: a restore changes nothing but what the snapshot says.
    const restore = { project, name, snapshot: snapshotIn(name, sent.restore), stateful: sent.stateful };
    return started(sagaOperation(await beginRestoreSnapshot(lxd, restore, requestorOf(request))));
  }
  const isChecked = request.headers['if-match'] !== undefined;
  const update = { project, name, next: nextOf(sent, value), ...(isChecked ? { expected: modRevision } : {}) };
  return started(sagaOperation(await beginUpdateInstance(lxd, update, requestorOf(request))));
}

/** Without what is only shown, which clients send back. */
const own = (config: Config): Config => withoutEmpty({ ...config, [LAST_POWER]: '' });

/** `c1/s1` or `s1`. */
function snapshotIn(instance: string, reference: string): string {
  const [owner, snapshot, ...more] = reference.includes('/') ? reference.split('/') : [instance, reference];
  if (owner !== instance || !snapshot || more.length > 0)
    fail('invalid', `Invalid "restore": "${reference}" is not a snapshot of "${instance}"`);
  return snapshot;
}
