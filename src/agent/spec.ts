/** What the controller wants run here: the wire's message as plain data, checked once, profiles already merged in. */
import { fail } from '../domain/errors.ts';
import type { Config, Devices } from '../domain/instance.ts';
import { checkInstanceName } from '../domain/names.ts';
import { isTrue } from '../domain/values.ts';
import type { InstanceRef, InstanceSpec } from '../rpc/gen/berth/agent/v1/agent_pb.ts';

export interface Spec {
  /** UUID; names the LXC container, its folders and cgroups. */
  readonly id: string;
  /** Which ownership of the instance this speaks of; older ones are refused. */
  readonly generation: number;
  /** Host name inside. */
  readonly name: string;
  readonly project: string;
  readonly architecture: string;
  readonly ephemeral: boolean;
  readonly config: Config;
  readonly devices: Devices;
  /** Fingerprint; '' = empty root. */
  readonly image: string;
  /** JSON of an `InstanceMetadata` that it has instead of its image's; '' or absent (of an older agent's ledger): its image's. */
  readonly metadata?: string;
  /** Seconds since the epoch. */
  readonly createdAt: number;
}

export interface Ref {
  readonly id: string;
  readonly generation: number;
}

/** @throws AppError `invalid` */
export function parseSpec(message: InstanceSpec | undefined): Spec {
  if (message === undefined) fail('invalid', 'spec is missing');
  return {
    ...parseRef(message),
    name: checkInstanceName(message.name),
    project: message.project,
    architecture: message.architecture,
    ephemeral: message.ephemeral,
    config: { ...message.config },
    devices: Object.fromEntries(Object.entries(message.devices).map(([name, { options }]) => [name, { ...options }])),
    image: message.image,
    metadata: message.metadata,
    createdAt: Number(message.createdAt),
  };
}

/** @throws AppError `invalid` */
export function parseRef(message: Pick<InstanceRef, 'id' | 'generation'> | undefined): Ref {
  if (message === undefined) fail('invalid', 'ref is missing');
  return { id: checkId(message.id), generation: Number(message.generation) };
}

/** Ids become folder names: nothing but a UUID may pass. */
export function checkId(id: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) fail('invalid', `"${id}" is not an instance id (UUID)`);
  return id;
}

export const isPrivileged = (config: Config): boolean => isTrue(config['security.privileged']);

/** The device that is the root disk, if any. */
export function rootDisk(devices: Devices): { readonly name: string; readonly options: Config } | undefined {
  const found = Object.entries(devices).find(([, options]) => options.type === 'disk' && options.path === '/');
  return found && { name: found[0], options: found[1] };
}
