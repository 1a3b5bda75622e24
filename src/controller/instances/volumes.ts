/** Custom volumes and the instances that use them: found by their devices, and made where they are first needed. */
import { fail } from '../../domain/errors.ts';
import type { Devices, InstanceRecord } from '../../domain/instance.ts';
import { parseBytes } from '../../domain/size.ts';
import { isTrue } from '../../domain/values.ts';
import type { VolumeRecord } from '../../domain/volume.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { commitDecided } from '../decide.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES, PROFILES, VOLUMES } from '../spaces.ts';
import { expanded } from './expanded.ts';
import { drain } from './progress.ts';
import { volumesAmong } from './volume-devices.ts';

/** What agents are told of a volume. */
export const volumeRef = ({ pool, id }: Pick<VolumeRecord, 'pool' | 'id'>) => ({ pool, id });
export const volumeOrder = (volume: Pick<VolumeRecord, 'pool' | 'id' | 'config'>) => ({
  ref: volumeRef(volume),
  sizeBytes: BigInt(volume.config.size ? parseBytes('size', volume.config.size) : 0),
  unmapped: isTrue(volume.config['security.unmapped']),
});

/** URLs of the instances and profiles among whose devices it is. */
export function usersOfVolume(view: View, { project, pool, name }: VolumeRecord): readonly string[] {
  const uses = (devices: Devices) => volumesAmong(devices).some(each => each.pool === pool && each.name === name);
  const query = project === 'default' ? '' : `?project=${encodeURIComponent(project)}`;
  const devicesOf = (value: InstanceRecord): Devices => {
    try {
      return expanded(view, value).devices;
    } catch {
      return value.devices;
    }
  };
  return [
    ...view
      .list(INSTANCES, project)
      .filter(({ value }) => uses(devicesOf(value)))
      .map(({ value }) => `/1.0/instances/${value.name}${query}`),
    ...view
      .list(PROFILES, project)
      .filter(({ value }) => uses(value.devices))
      .map(({ value }) => `/1.0/profiles/${encodeURIComponent(value.name)}${query}`),
  ];
}

/** Each must exist, and be where the instance is. @param node '' = not placed yet @throws AppError `invalid` */
export function checkVolumes(view: View, project: string, devices: Devices, node: string): void {
  const paths = new Map<string, string>();
  for (const { device, pool, name, path } of volumesAmong(devices)) {
    const volume = view.get(VOLUMES.key(project, pool, name))?.value;
    if (volume === undefined || volume.phase === 'creating')
      fail('invalid', `Device "${device}": there is no storage volume "${name}" in pool "${pool}"`);
    if (volume.phase === 'deleting') fail('invalid', `Device "${device}": storage volume "${name}" is being deleted`);
    if (node !== '' && volume.node !== '' && volume.node !== node)
      fail(
        'invalid',
        `Device "${device}": storage volume "${name}" lies on ${volume.node}, the instance on ${node}: move one of them`,
      );
    const other = paths.get(path);
    if (other !== undefined) fail('invalid', `Device "${device}": path "${path}" is that of device "${other}" too`);
    paths.set(path, device);
  }
}

/** Volumes that lie nowhere yet are made on the host of the instance. Repeatable; what was made stays. */
export async function bringVolumes(
  context: StepContext,
  { project, node, devices }: { readonly project: string; readonly node: string; readonly devices: Devices },
): Promise<void> {
  for (const { pool, name } of volumesAmong(devices)) {
    const key = VOLUMES.key(project, pool, name);
    if (context.view.get(key)?.value.node === '') await settleOn(context, key, node);
  }
}

/** From here on it lies there, if it lay nowhere. */
async function settleOn(context: StepContext, key: Stored<VolumeRecord>['key'], node: string): Promise<void> {
  const { view } = context;
  const found = view.get(key)?.value;
  if (found === undefined) return;
  await drain(context, 'fs_progress', context.agents.of(node).ensureVolume(volumeOrder(found)));
  await commitDecided(context, () => {
    const stored = view.get(key);
    if (stored?.value.id !== found.id || stored.value.node !== '') return undefined;
    return VOLUMES.replace(stored, { ...stored.value, node });
  });
}
