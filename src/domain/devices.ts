/** Every device an instance or profile may have, with its options. LXD's names; what is not here is refused by name. */
import { fail } from './errors.ts';
import type { Config, Devices } from './instance.ts';
import { NIC } from './nic.ts';
import { absolutePath, anything, boolean, integer, isTrue, oneOf, size, type ValueCheck, wrong } from './values.ts';

export interface DeviceKind {
  readonly options: Readonly<Record<string, ValueCheck>>;
  /** What the options must be together; throws `invalid`. */
  readonly together: (name: string, device: Config) => void;
}

const octal: ValueCheck = (key, value) => {
  if (!/^[0-7]{3,4}$/.test(value)) wrong(key, value, 'is not an octal mode: 0660');
};

const refused =
  (why: string): ValueCheck =>
  key =>
    fail('unsupported', `"${key}" is not supported: ${why}`);

const notTrue =
  (why: string): ValueCheck =>
  (key, value) => {
    boolean(key, value);
    if (isTrue(value)) fail('unsupported', `"${key}" is not supported: ${why}`);
  };

const UNIX_NODE: DeviceKind = {
  options: {
    source: absolutePath,
    path: absolutePath,
    major: integer(0, 4095),
    minor: integer(0, 1_048_575),
    mode: octal,
    uid: integer(0, 65_535),
    gid: integer(0, 65_535),
    required: boolean,
  },
  together: (name, device) => {
    if (!device.source && !device.path) lacks(name, 'path');
    if (!device.major !== !device.minor) lacks(name, device.major ? 'minor' : 'major');
    const path = device.path || device.source!;
    if (!path.startsWith('/dev/')) wrong(`${name}.path`, path, 'is not below /dev');
  },
};

const KINDS: Readonly<Record<string, DeviceKind>> = {
  disk: {
    options: {
      path: absolutePath,
      source: anything,
      pool: anything,
      size,
      readonly: boolean,
      required: boolean,
      recursive: boolean,
      propagation: oneOf('private', 'shared', 'slave', 'unbindable', 'rprivate', 'rshared', 'rslave', 'runbindable'),
      shift: notTrue('CRIU cannot restore a mount that shifts ids; give the files to the ids of the instance'),
      'raw.mount.options': refused('a path of the host is bound as it is: set readonly, recursive, propagation'),
      'limits.read': refused('set limits.disk.priority of the instance'),
      'limits.write': refused('set limits.disk.priority of the instance'),
      'limits.max': refused('set limits.disk.priority of the instance'),
    },
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
  'unix-char': UNIX_NODE,
  'unix-block': UNIX_NODE,
  none: { options: {}, together: () => {} },
};

/** Kinds of LXD, with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  gpu: 'hand its nodes in as unix-char devices',
  infiniband: 'use a nic',
  pci: 'it is for virtual machines',
  proxy: 'use a forward of the network',
  tpm: 'hand /dev/tpm0 in as a unix-char device',
  'unix-hotplug': 'hand it in as a unix-char or unix-block device, with required=false',
  usb: 'hand /dev/bus/usb/BUS/DEVICE in as a unix-char device',
};

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
    const why = Object.hasOwn(REFUSED, type) ? `not supported: ${REFUSED[type]}` : 'unknown';
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
