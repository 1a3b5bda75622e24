/** `storage volume attach`, `detach` and the same for profiles. */
import type { Command } from 'commander';
import { AppError } from '../../../domain/errors.ts';
import type { Devices } from '../../api/instance.ts';
import { at } from '../../api/path.ts';
import { type Fields, type Kind, update } from '../../api/update.ts';
import type { Session } from '../../session.ts';
import { volumePath } from './reference.ts';

type Holder = Kind & ('instance' | 'profile');
type Change = (before: Devices) => Devices;

export function defineVolumeUse(group: Command, session: Session): void {
  for (const [holder, suffix] of [
    ['instance', ''],
    ['profile', '-profile'],
  ] as const) {
    const sub = (name: string, summary: string) =>
      group
        .command(`${name}${suffix}`)
        .description(summary)
        .argument('<pool>')
        .argument('<volume>')
        .argument(`<${holder}>`);
    sub('attach', `Attach a storage volume to ${holder}s`)
      .argument('[device]', 'what the disk is called in the configuration; default: as the volume')
      .argument('[path]', 'where it is mounted')
      .action((reference: string, volume: string, name: string, first?: string, second?: string) =>
        changeDevices(session, holder, { reference, volume, name }, pool => {
          const path = second ?? (first?.startsWith('/') ? first : undefined);
          if (path === undefined) throw new AppError('invalid', 'path is missing: where shall the volume be mounted?');
          return attached(pool, volume, second === undefined ? volume : first!, path);
        }),
      );
    sub('detach', `Detach a storage volume from ${holder}s`)
      .argument('[device]', 'which disk, if there are several')
      .action((reference: string, volume: string, name: string, device?: string) =>
        changeDevices(session, holder, { reference, volume, name }, pool => detached(pool, volume, device)),
      );
  }
}

function attached(pool: string, volume: string, device: string, path: string): Change {
  return before => {
    if (Object.hasOwn(before, device)) throw new AppError('exists', `The device already exists: ${device}`);
    return { ...before, [device]: { type: 'disk', pool, source: volume, path } };
  };
}

function detached(pool: string, volume: string, device: string | undefined): Change {
  return before => {
    const disks = Object.entries(before)
      .filter(([, options]) => options.type === 'disk' && options.pool === pool && options.source === volume)
      .map(([name]) => name);
    if (device !== undefined && !disks.includes(device))
      throw new AppError('not-found', `Device ${device} is not storage volume ${volume}`);
    if (disks.length === 0) throw new AppError('not-found', `No device found for storage volume ${volume}`);
    if (device === undefined && disks.length > 1)
      throw new AppError('invalid', `More than one device is ${volume}, name one: ${disks.join(', ')}`);
    const gone = device ?? disks[0];
    return Object.fromEntries(Object.entries(before).filter(([name]) => name !== gone));
  };
}

async function changeDevices(
  session: Session,
  holder: Holder,
  { reference, volume, name }: { readonly reference: string; readonly volume: string; readonly name: string },
  changeOf: (pool: string) => Change,
): Promise<void> {
  const { client, name: pool } = await session.resolve(reference);
  await client.get(volumePath(pool, volume).volume); // one that does not exist is told by its own name
  const path = holder === 'instance' ? at`instances/${name}` : at`profiles/${name}`;
  await update(session, client, holder, path, (before: Fields) => ({
    ...before,
    devices: changeOf(pool)((before.devices as Devices | null) ?? {}),
  }));
}
