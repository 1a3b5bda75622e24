/** Disk devices other than the root: a folder or file of this host, or a custom volume, laid into the instance. */
import { fail } from '../../domain/errors.ts';
import { isTrue } from '../../domain/values.ts';
import type { Host } from '../host.ts';
import { idMapOf } from '../instance-files.ts';
import type { Spec } from '../spec.ts';
import { volumeFolder } from '../volumes/attach.ts';
import { type Bound, bindInto, unbindFrom } from './bound.ts';
import type { Device, DeviceKind } from './device-kind.ts';
import { look, stageFolder, stagePath, unstage } from './staging.ts';

export const disk: DeviceKind = {
  bound: async (host, spec, device) => [await diskBound(host, spec, device)],
  async plug(host, running, device) {
    await bindInto(running, await diskBound(host, running.spec, device));
  },
  async unplug(host, running, device) {
    const { path = '' } = device.options;
    const staged = stagePath(host, running.spec.id, device.name);
    const source = device.options.pool === undefined ? staged : await volumeOf(host, running.spec, device);
    await unbindFrom(running, { ...PLAIN, device: device.name, source, path, isFile: false });
    await unstage(host, running.spec.id, device.name);
  },
};

const PLAIN = { readonly: false, recursive: false, propagation: 'private', optional: true };

/** @throws AppError `not-found` naming the device */
async function diskBound(host: Host, spec: Spec, device: Device): Promise<Bound> {
  const { name, options } = device;
  checkPath(name, options.path);
  const optional = !isTrue(options.required || 'true');
  const recursive = isTrue(options.recursive);
  const common = {
    device: name,
    path: options.path!,
    readonly: isTrue(options.readonly),
    recursive,
    propagation: options.propagation || 'private',
    optional,
  };
  if (options.pool !== undefined) return { ...common, source: await volumeOf(host, spec, device), isFile: false };
  const { source = '' } = options;
  const found = look(source);
  if (found === undefined && !optional)
    fail('not-found', `device "${name}": this host has no ${source} (required=false starts without it)`);
  if (found !== undefined) await stageFolder(host, spec.id, name, source, recursive);
  return { ...common, source: stagePath(host, spec.id, name), isFile: found !== undefined && !found.isDirectory() };
}

const volumeOf = (host: Host, spec: Spec, { name, options }: Device): Promise<string> =>
  volumeFolder(host, idMapOf(host, spec), name, options);

/** The controller has checked it; but what goes into LXC's configuration as root is worth two looks. */
function checkPath(device: string, path = ''): void {
  if (!path.startsWith('/') || path.split('/').includes('..'))
    fail('invalid', `device "${device}": path "${path}" must be absolute and without ".."`);
}
