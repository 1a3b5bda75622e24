import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';
import type { Devices, Settings } from '../api/instance.ts';
import { type Fields, type Kind, update } from '../api/update.ts';
import { applySettings, parseKeyValues, parseSettings } from '../input/key-value.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

/** What has devices: an instance or a profile. */
export interface DeviceHolder {
  readonly kind: Kind & ('instance' | 'profile');
  readonly path: (name: string) => string;
}

/** The `device` group, the same under `config` and `profile`. */
export function defineDeviceCommands(parent: Command, session: Session, holder: DeviceHolder): void {
  const group = parent.command('device').description(`Manage the devices of ${holder.kind}s`);
  const sub = (name: string, summary: string) => group.command(name).description(summary).argument(`<${holder.kind}>`);
  const read = (name: string) => readDevices(session, holder, name);
  const change = (name: string, work: (before: Devices) => Devices) => changeDevices(session, holder, name, work);

  sub('list', 'List device names')
    .alias('ls')
    .action(async (name: string) => session.print(Object.keys(await read(name)).join('\n')));
  sub('show', 'Show all devices').action(async (name: string) => session.print(await renderYaml(await read(name))));
  sub('get', 'Print one key of a device')
    .argument('<device>')
    .argument('<key>')
    .action(async (name: string, device: string, key: string) =>
      session.print(requireDevice(await read(name), device)[key] ?? ''),
    );
  sub('add', 'Add a device')
    .argument('<device>')
    .argument('<type>', 'nic, disk, ...')
    .argument('[key=value...]')
    .action(async (name: string, device: string, type: string, words: readonly string[]) => {
      await change(name, before => {
        if (Object.hasOwn(before, device)) throw new AppError('exists', 'The device already exists');
        return { ...before, [device]: { ...parseKeyValues(words), type } };
      });
      session.print(`Device ${device} added to ${name}`);
    });
  sub('set', 'Set keys of a device')
    .argument('<device>')
    .argument('<key=value...>')
    .action((name: string, device: string, words: readonly string[]) =>
      change(name, before => ({
        ...before,
        [device]: applySettings(requireDevice(before, device), parseSettings(words)),
      })),
    );
  sub('unset', 'Take a key of a device away')
    .argument('<device>')
    .argument('<key>')
    .action((name: string, device: string, key: string) =>
      change(name, before => ({ ...before, [device]: applySettings(requireDevice(before, device), { [key]: '' }) })),
    );
  sub('remove', 'Remove devices')
    .alias('rm')
    .argument('<device...>')
    .action(async (name: string, devices: readonly string[]) => {
      await change(name, before => {
        for (const device of devices) requireDevice(before, device);
        return Object.fromEntries(Object.entries(before).filter(([device]) => !devices.includes(device)));
      });
      for (const device of devices) session.print(`Device ${device} removed from ${name}`);
    });
  if (holder.kind === 'instance')
    defineOverride(sub('override', "Change keys of a profile's device for this instance"), session, holder);
}

function defineOverride(command: Command, session: Session, holder: DeviceHolder): void {
  command
    .argument('<device>')
    .argument('<key=value...>')
    .action(async (reference: string, device: string, words: readonly string[]) => {
      const { client, name } = await session.resolve(reference);
      const { expanded_devices } = await client.get<{ expanded_devices: Devices | null }>(holder.path(name));
      await changeDevices(session, holder, reference, before => {
        if (Object.hasOwn(before, device)) throw new AppError('exists', 'The device already exists');
        const inherited = expanded_devices?.[device];
        if (inherited === undefined) throw new AppError('not-found', "The profile device doesn't exist");
        return { ...before, [device]: applySettings(inherited, parseKeyValues(words)) };
      });
      session.print(`Device ${device} overridden for ${name}`);
    });
}

async function readDevices(session: Session, holder: DeviceHolder, reference: string): Promise<Devices> {
  const { client, name } = await session.resolve(reference);
  return (await client.get<{ devices: Devices | null }>(holder.path(name))).devices ?? {};
}

async function changeDevices(
  session: Session,
  holder: DeviceHolder,
  reference: string,
  work: (before: Devices) => Devices,
): Promise<void> {
  const { client, name } = await session.resolve(reference);
  await update(session, client, holder.kind, holder.path(name), (before: Fields) => ({
    ...before,
    devices: work((before.devices as Devices | null) ?? {}),
  }));
}

function requireDevice(devices: Devices, name: string): Settings {
  const device = Object.hasOwn(devices, name) ? devices[name] : undefined;
  if (device === undefined) throw new AppError('not-found', "Device doesn't exist");
  return device;
}
