/** `unix-char` and `unix-block`: a device node of this host, or one of given numbers, inside the instance. */
import { fail } from '../../domain/errors.ts';
import { isTrue } from '../../domain/values.ts';
import { writeCgroup } from '../cgroups.ts';
import type { Host } from '../host.ts';
import { idMapOf } from '../instance-files.ts';
import { isPrivileged, type Spec } from '../spec.ts';
import { type Bound, bindInto, unbindFrom } from './bound.ts';
import type { Device, DeviceKind } from './device-kind.ts';
import { look, type NodeOrder, numbersOf, stageNode, stagePath, unstage } from './staging.ts';

export const unixNode: DeviceKind = {
  async bound(host, spec, device) {
    const order = orderOf(host, spec, device);
    if (order !== undefined) await stageNode(host, spec.id, device.name, order);
    return [boundOf(host, spec, device, order === undefined)];
  },
  async plug(host, running, device) {
    const { spec } = running;
    const order = orderOf(host, spec, device);
    if (order === undefined) return; // it may be missing
    allow(host, spec, device, order, 'devices.allow');
    await stageNode(host, spec.id, device.name, order);
    await bindInto(running, boundOf(host, spec, device, false));
  },
  async unplug(host, running, device) {
    const { spec } = running;
    const found = look(stagePath(host, spec.id, device.name));
    await unbindFrom(running, boundOf(host, spec, device, true), true);
    if (found !== undefined) allow(host, spec, device, { kind: kindOf(device), ...numbersOf(found) }, 'devices.deny');
    await unstage(host, spec.id, device.name);
  },
};

/** `c 10:229 rwm`; undefined where the device is missing and may be. */
export function ruleOf(host: Host, spec: Spec, device: Device): string | undefined {
  const order = orderOf(host, spec, device);
  return order && `${order.kind} ${order.major}:${order.minor} rwm`;
}

const kindOf = ({ options }: Device): 'c' | 'b' => (options.type === 'unix-char' ? 'c' : 'b');

function boundOf(host: Host, spec: Spec, { name, options }: Device, optional: boolean): Bound {
  const path = options.path || options.source!;
  const source = stagePath(host, spec.id, name);
  return {
    device: name,
    source,
    path,
    isFile: true,
    readonly: false,
    recursive: false,
    propagation: 'private',
    optional,
  };
}

/** @throws AppError `not-found` or `invalid`, naming the device */
function orderOf(host: Host, spec: Spec, device: Device): NodeOrder | undefined {
  const { name, options } = device;
  const kind = kindOf(device);
  const path = options.source || options.path!;
  const given = options.major ? { major: Number(options.major), minor: Number(options.minor) } : undefined;
  const found = look(path);
  const fits = found !== undefined && (kind === 'c' ? found.isCharacterDevice() : found.isBlockDevice());
  if (given === undefined && !fits) {
    if (!isTrue(options.required || 'true')) return undefined;
    fail('not-found', `device "${name}": this host has no ${kind === 'c' ? 'character' : 'block'} device ${path}`);
  }
  const base = idMapOf(host, spec)?.base ?? 0;
  return {
    kind,
    ...(given ?? numbersOf(found!)),
    mode: options.mode ? Number.parseInt(options.mode, 8) : 0o660,
    uid: base + Number(options.uid || 0),
    gid: base + Number(options.gid || 0),
  };
}

/** Only a privileged instance has a list of devices: to all others their user namespace forbids making nodes. */
function allow(
  host: Host,
  spec: Spec,
  { name }: Device,
  { kind, major, minor }: Pick<NodeOrder, 'kind' | 'major' | 'minor'>,
  file: 'devices.allow' | 'devices.deny',
): void {
  if (!isPrivileged(spec.config)) return;
  const folder = host.cgroups.v2 ? undefined : host.cgroups.payload('devices', spec.id);
  if (folder === undefined)
    fail(
      'unsupported',
      `device "${name}": on this host (cgroup v2) a privileged instance gets it only when it starts: stop it first`,
    );
  writeCgroup(folder, file, `${kind} ${major}:${minor} rwm`);
}
