/** What an instance really is: its own config and devices over those of its profiles, and what the agent is told of it. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { fail } from '../../domain/errors.ts';
import type { Config, Devices, InstanceRecord } from '../../domain/instance.ts';
import { expand } from '../../domain/profile.ts';
import type { InstanceSpecSchema } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { View } from '../../store/view.ts';
import { homeOf } from '../projects/project-store.ts';
import { PROFILES, VOLUMES } from '../spaces.ts';
import { ownMetadata } from './metadata.ts';

type Described = Pick<InstanceRecord, 'project' | 'config' | 'devices' | 'profiles'>;

/** @throws AppError `invalid` for a profile that does not exist. */
export function expanded(
  view: Pick<View, 'get'>,
  of: Described,
): { readonly config: Config; readonly devices: Devices } {
  const home = homeOf(view, of.project, 'profiles');
  const profiles = of.profiles.map(
    name => view.get(PROFILES.key(home, name))?.value ?? fail('invalid', `Profile "${name}" does not exist`),
  );
  const whole = expand(of, profiles);
  return { config: withoutUnset(whole.config), devices: withoutNone(whole.devices) };
}

/** @param generation which ownership; the target of a move is told the next one. */
export function specOf(
  view: View,
  record: InstanceRecord,
  generation = record.generation,
): MessageInitShape<typeof InstanceSpecSchema> {
  const { config, devices } = expanded(view, record);
  return {
    id: record.id,
    generation: BigInt(generation),
    name: record.name,
    project: record.project,
    architecture: record.architecture,
    ephemeral: record.ephemeral,
    config,
    devices: Object.fromEntries(
      Object.entries(devices).map(([name, options]) => [
        name,
        { options: withVolumeId(view, record.project, options) },
      ]),
    ),
    image: record.image,
    metadata: ownMetadata(view, record.id),
    createdAt: BigInt(Math.floor(Date.parse(record.createdAt) / 1000)),
  };
}

export function refOf(record: Pick<InstanceRecord, 'id'>, generation: number) {
  return { id: record.id, generation: BigInt(generation) };
}

/** Hosts know volumes by their id. */
function withVolumeId(view: View, project: string, options: Config): Config {
  const { type, pool, source } = options;
  if (type !== 'disk' || !pool || !source) return options;
  const id = view.get(VOLUMES.key(homeOf(view, project, 'storage.volumes'), pool, source))?.value.id;
  return id === undefined ? options : { ...options, volume: id };
}

/** LXD: an empty value means "not set", also over a profile that sets it. */
function withoutUnset(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== ''));
}

/** A device of type `none` hides a profile's device of that name; an empty option is no option. */
function withoutNone(devices: Devices): Devices {
  return Object.fromEntries(
    Object.entries(devices)
      .filter(([, device]) => device.type !== 'none')
      .map(([name, device]) => [name, withoutUnset(device)]),
  );
}
