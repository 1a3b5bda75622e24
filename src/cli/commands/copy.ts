import { AppError } from '../../domain/errors.ts';
import type { Devices, Instance, Settings } from '../api/instance.ts';
import { at, lastSegment } from '../api/path.ts';
import type { Define } from '../command-table.ts';
import { applySettings, collect, parseDevices, parseKeyValues } from '../input/key-value.ts';
import { pathOf } from '../instance/snapshot-path.ts';
import { parseReference } from '../remotes/reference.ts';

interface Options {
  readonly target?: string;
  readonly storage?: string;
  readonly config?: readonly string[];
  readonly device?: readonly string[];
  readonly profile?: readonly string[];
  readonly profiles?: boolean;
  readonly ephemeral?: boolean;
  readonly instanceOnly?: boolean;
  readonly live?: boolean;
}

export const define: Define = (command, session) => {
  command
    .usage('[REMOTE:]INSTANCE[/SNAPSHOT] [[REMOTE:]NEW-NAME] [options]')
    .argument('<instance>', 'what to copy')
    .argument('[new-name]', 'the copy; without it the server makes up a name')
    .option('--target <host>', 'the host of the copy')
    .option('-s, --storage <pool>', 'storage pool of the copy')
    .option('-c, --config <key=value>', 'configuration of the copy (repeatable)', collect)
    .option('-d, --device <name,key=value>', 'change or add a device of the copy (repeatable)', collect)
    .option('-p, --profile <name>', 'profile of the copy (repeatable)', collect)
    .option('--no-profiles', 'apply no profile to the copy')
    .option('-e, --ephemeral', 'delete the copy when it stops')
    .option('--instance-only', 'without its snapshots')
    .option('--live', 'not there: says why, and what to do instead')
    .action(async (from: string, to: string | undefined, options: Options) => {
      if (options.live) throw new AppError('unsupported', NOT_LIVE);
      const source = await session.resolve(from);
      const target =
        to === undefined ? { remote: source.remote, name: '' } : parseReference(to, await session.remotes());
      if (target.remote !== source.remote)
        throw new AppError('unsupported', 'Copying between two servers is not possible yet');
      const instance = await source.client.get<Instance>(pathOf(source.name));
      const body = copyRequest(instance, source.name, target.name, options);
      const operation = await session.perform(source.client, `Copying ${source.name}`, () =>
        source.client.send('POST', at`instances`, { body, query: { target: options.target } }),
      );
      const made = operation?.resources?.instances?.[0];
      if (target.name === '' && made !== undefined) session.print(`Instance name is: ${lastSegment(made)}`);
    });
};

const NOT_LIVE =
  'A copy cannot go on running where its original is: its memory holds the address, MAC, host name and connections of the original, ' +
  'and a second instance with these would break both. To keep what runs, take a snapshot with --stateful; ' +
  'for a second instance, copy it without --live and start the copy';

/** Pure. What a server noted for itself about the original is not the copy's, but for the image it came from. */
export function copyRequest(instance: Instance, source: string, name: string, options: Options): object {
  const kept = Object.entries(instance.config ?? {}).filter(
    ([key]) => !key.startsWith('volatile.') || key === 'volatile.base_image',
  );
  const config: Settings = applySettings(Object.fromEntries(kept), parseKeyValues(options.config ?? []));
  const devices: Record<string, Settings> = { ...instance.devices };
  for (const [device, changes] of Object.entries(parseDevices(options.device ?? []))) {
    devices[device] = applySettings(devices[device] ?? instance.expanded_devices?.[device], changes);
  }
  if (options.storage !== undefined)
    Object.assign(devices, rootOn(options.storage, { ...instance.expanded_devices, ...devices }));
  return {
    name,
    type: 'container',
    architecture: instance.architecture,
    config,
    devices,
    description: instance.description ?? '',
    ephemeral: options.ephemeral ?? instance.ephemeral,
    profiles: options.profiles === false ? [] : (options.profile ?? instance.profiles),
    source: {
      type: 'copy',
      source,
      'base-image': instance.config?.['volatile.base_image'] ?? '',
      instance_only: options.instanceOnly === true,
      live: false,
    },
  };
}

function rootOn(pool: string, devices: Devices): Devices {
  const [name, root] = Object.entries(devices).find(([, device]) => device.type === 'disk' && device.path === '/') ?? [
    'root',
    {},
  ];
  return { [name]: { ...root, type: 'disk', path: '/', pool } };
}
