/** Every device an instance or profile may have, with its options. LXD's names; what is not here is refused by name. */
import { fail } from './errors.ts';
import type { Config, Devices } from './instance.ts';
import { NIC } from './nic.ts';
import { absolutePath, anything, boolean, size, type ValueCheck } from './values.ts';

export interface DeviceKind {
  readonly options: Readonly<Record<string, ValueCheck>>;
  /** What the options must be together; throws `invalid`. */
  readonly together: (name: string, device: Config) => void;
}

const KINDS: Readonly<Record<string, DeviceKind>> = {
  disk: {
    options: { path: absolutePath, source: anything, pool: anything, size, readonly: boolean, required: boolean },
    together: (name, device) => {
      if (!device.path) lacks(name, 'path');
      if (device.path === '/') {
        if (device.source) fail('invalid', `Device "${name}": the root disk takes no source`);
        if (!device.pool) lacks(name, 'pool');
      } else if (!device.source) lacks(name, 'source');
      else if (!device.pool) absolutePath(`${name}.source`, device.source);
    },
  },
  nic: NIC,
  none: { options: {}, together: () => {} },
};

const LXD_KINDS = ['gpu', 'infiniband', 'pci', 'proxy', 'tpm', 'unix-block', 'unix-char', 'unix-hotplug', 'usb'];

/** @throws AppError `invalid` for the first thing that is wrong. */
export function checkDevices(devices: Devices): void {
  for (const [name, device] of Object.entries(devices)) {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/.test(name)) fail('invalid', `Invalid device name: "${name}"`);
    checkDevice(name, device);
  }
}

/** The device that is the root file system, with its name, if there is one. */
export function rootDisk(
  devices: Devices,
): { readonly name: string; readonly pool: string; readonly size: string } | undefined {
  const found = Object.entries(devices).find(([, device]) => device.type === 'disk' && device.path === '/');
  return found && { name: found[0], pool: found[1].pool ?? '', size: found[1].size ?? '' };
}

function checkDevice(name: string, device: Config): void {
  const type = device.type ?? '';
  if (type === '') lacks(name, 'type');
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (kind === undefined) {
    const why = LXD_KINDS.includes(type) ? 'not supported by this version of Berth' : 'unknown';
    fail('invalid', `Device "${name}": type "${type}" is ${why} (known: ${Object.keys(KINDS).join(', ')})`);
  }
  for (const [option, value] of Object.entries(device)) {
    if (option === 'type') continue;
    const check = Object.hasOwn(kind.options, option) ? kind.options[option] : undefined;
    if (check === undefined) fail('invalid', `Device "${name}": unknown option "${option}" for type ${type}`);
    if (value !== '') check(`${name}.${option}`, value);
  }
  kind.together(name, device);
}

function lacks(name: string, option: string): never {
  fail('invalid', `Device "${name}": "${option}" is missing`);
}
