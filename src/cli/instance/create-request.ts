import { AppError } from '../../domain/errors.ts';
import type { Devices, Settings } from '../api/instance.ts';
import { applySettings, parseDevices, parseKeyValues } from '../input/key-value.ts';

/**
 * The body of "create this instance", from the options of launch and init and the YAML on standard input. Pure: what the
 * server must be asked first (where the root disk comes from) is handed in.
 */
export interface CreateOptions {
  readonly config?: readonly string[];
  readonly device?: readonly string[];
  readonly empty?: boolean;
  readonly ephemeral?: boolean;
  readonly network?: string;
  /** Given by --profile; false by --no-profiles. */
  readonly profile?: readonly string[];
  readonly profiles?: boolean;
  readonly storage?: string;
  readonly target?: string;
  readonly type?: string;
  readonly dryRun?: boolean;
  readonly description?: string;
}

/** What YAML on standard input may say. */
export interface InstanceDocument {
  readonly config?: Settings | null;
  readonly devices?: Devices | null;
  readonly profiles?: readonly string[] | null;
  readonly description?: string;
}

export interface CreateRequest {
  readonly name: string;
  readonly type: 'container';
  readonly instance_type: string;
  readonly source: Readonly<Record<string, unknown>>;
  readonly config: Settings;
  readonly devices: Devices;
  readonly description: string;
  readonly ephemeral: boolean;
  readonly stateful: false;
  /** null: the default profile, or those the image names; []: none. */
  readonly profiles: readonly string[] | null;
}

export interface Given {
  readonly name: string;
  readonly source: CreateRequest['source'];
  readonly document: InstanceDocument;
  /** Devices that the profiles bring: a device given in part keeps the rest of theirs. */
  readonly inherited: Devices;
}

export function createRequest(options: CreateOptions, given: Given): CreateRequest {
  const { document } = given;
  return {
    name: given.name,
    type: 'container',
    instance_type: options.type ?? '',
    source: given.source,
    config: { ...document.config, ...parseKeyValues(options.config ?? []) },
    devices: createDevices(options, given),
    description: options.description ?? document.description ?? '',
    ephemeral: options.ephemeral === true,
    stateful: false,
    profiles: options.profiles === false ? [] : (options.profile ?? document.profiles ?? null),
  };
}

/** True if the devices of the profiles must be known to build the request. */
export function needsInherited(options: CreateOptions): boolean {
  return options.storage !== undefined || options.device !== undefined;
}

function createDevices(options: CreateOptions, { document, inherited }: Given): Devices {
  const devices: Record<string, Settings> = { ...document.devices };
  if (options.network !== undefined) devices.eth0 = { type: 'nic', name: 'eth0', network: options.network };
  for (const [name, changes] of Object.entries(parseDevices(options.device ?? []))) {
    devices[name] = applySettings(devices[name] ?? inherited[name], changes);
    if (!devices[name].type)
      throw new AppError(
        'invalid',
        `Cannot override config for device "${name}": no profile has it, so give its type: -d ${name},type=…`,
      );
  }
  if (options.storage !== undefined) {
    const [name, root] = Object.entries({ ...inherited, ...devices }).find(
      ([, d]) => d.type === 'disk' && d.path === '/',
    ) ?? ['root', {}];
    devices[name] = { ...root, type: 'disk', path: '/', pool: options.storage };
  }
  return devices;
}
