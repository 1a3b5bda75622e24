/** Custom volumes and the instances that use them: found by their devices, and made where they are first needed. */
import { AppError, fail } from '../../domain/errors.ts';
import type { Devices, InstanceRecord } from '../../domain/instance.ts';
import { parseBytes } from '../../domain/size.ts';
import { isTrue } from '../../domain/values.ts';
import type { VolumeRecord } from '../../domain/volume.ts';
import type { View } from '../../store/view.ts';
import { commitDecided } from '../decide.ts';
import { expanded } from '../instances/expanded.ts';
import { drain } from '../instances/progress.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES, PROFILES, VOLUMES } from '../spaces.ts';
import { volumesAmong } from './devices.ts';
import { findVolume, type VolumeName, volumeHome } from './store.ts';

/** What agents are told of a volume. */
export const volumeRef = ({ pool, id }: Pick<VolumeRecord, 'pool' | 'id'>) => ({ pool, id });

export const sizeBytesOf = (config: VolumeRecord['config']): bigint =>
  BigInt(config.size ? parseBytes('size', config.size) : 0);

export const volumeOrder = (volume: Pick<VolumeRecord, 'pool' | 'id' | 'config'>) => ({
  ref: volumeRef(volume),
  sizeBytes: sizeBytesOf(volume.config),
  unmapped: isTrue(volume.config['security.unmapped']),
});

/** On its host: one that was given a host, and that nobody has used yet, is not there yet. Repeatable. */
export async function ensureThere(context: StepContext, volume: VolumeRecord): Promise<void> {
  await drain(context, 'fs_progress', context.agents.of(volume.node).ensureVolume(volumeOrder(volume)));
}

/** URLs of the instances and profiles among whose devices each volume is, asked by the volume. */
export function volumeUsers(view: View): (volume: VolumeName) => readonly string[] {
  const users = new Map<string, string[]>();
  const note = (project: string, devices: Devices, url: string): void => {
    const home = volumeHome(view, project);
    for (const { pool, name } of volumesAmong(devices)) {
      const key = VOLUMES.key(home, pool, name);
      users.set(key, [
        ...(users.get(key) ?? []),
        project === 'default' ? url : `${url}?project=${encodeURIComponent(project)}`,
      ]);
    }
  };
  for (const { value } of view.list(INSTANCES))
    note(value.project, devicesOf(view, value), `/1.0/instances/${encodeURIComponent(value.name)}`);
  for (const { value } of view.list(PROFILES))
    note(value.project, value.devices, `/1.0/profiles/${encodeURIComponent(value.name)}`);
  return ({ project, pool, name }) => users.get(VOLUMES.key(project, pool, name)) ?? [];
}

/** @throws AppError `invalid` naming a user. */
export function mustBeUnused(view: View, volume: VolumeName): void {
  const [user] = volumeUsers(view)(volume);
  if (user !== undefined) fail('invalid', `The storage volume is still in use, e.g. by ${user}: detach it there first`);
}

/** One whose profile is gone has still its own. */
function devicesOf(view: View, instance: InstanceRecord): Devices {
  try {
    return expanded(view, instance).devices;
  } catch {
    return instance.devices;
  }
}

/** Each must exist, and be where the instance is. @param node '' = not placed yet @throws AppError `invalid` */
export function checkVolumes(view: View, project: string, devices: Devices, node: string): void {
  const paths = new Map<string, string>();
  for (const { device, pool, name, path } of volumesAmong(devices)) {
    const volume = findVolume(view, { project: volumeHome(view, project), pool, name })?.value;
    if (volume === undefined)
      fail('invalid', `Device "${device}": there is no storage volume "${name}" in pool "${pool}"`);
    if (volume.phase === 'deleting') fail('invalid', `Device "${device}": storage volume "${name}" is being deleted`);
    if (node !== '' && volume.node !== '' && volume.node !== node) elsewhere(device, volume, node);
    const other = paths.get(path);
    if (other !== undefined) fail('invalid', `Device "${device}": path "${path}" is that of device "${other}" too`);
    paths.set(path, device);
  }
}

/**
 * Makes the volumes of an instance on its host. One that lay nowhere lies there from now on: that is decided first, so that
 * of two instances that use it at once on two hosts one is refused. Repeatable; what was made stays.
 */
export async function bringVolumes(
  context: StepContext,
  { project, node, devices }: { readonly project: string; readonly node: string; readonly devices: Devices },
): Promise<void> {
  const { view } = context;
  const home = volumeHome(view, project);
  for (const { device, pool, name } of volumesAmong(devices)) {
    const key = VOLUMES.key(home, pool, name);
    await commitDecided(context, () => {
      const stored = view.get(key) ?? fail('invalid', `Device "${device}": there is no storage volume "${name}"`);
      return stored.value.node === '' ? VOLUMES.replace(stored, { ...stored.value, node }) : undefined;
    });
    const { value } = view.get(key)!;
    if (value.node !== node) elsewhere(device, value, node);
    await ensureThere(context, value);
  }
}

function elsewhere(device: string, { name, node }: VolumeRecord, instance: string): never {
  throw new AppError(
    'invalid',
    `Device "${device}": storage volume "${name}" lies on ${node}, the instance on ${instance}: move one of them`,
  );
}
