/** Every kind of device that this agent knows. */
import { fail } from '../../domain/errors.ts';
import type { Host } from '../host.ts';
import { isPrivileged, type Spec } from '../spec.ts';
import type { Bound } from './bound.ts';
import type { Device, DeviceKind } from './device-kind.ts';
import { disk } from './disk.ts';
import { ruleOf, unixNode } from './unix-node.ts';

const KINDS: Readonly<Record<string, DeviceKind>> = { disk, 'unix-char': unixNode, 'unix-block': unixNode };

/** What its devices lay into its root on this host, in the order in which it has to be done. */
export async function boundOf(host: Host, spec: Spec): Promise<readonly Bound[]> {
  const found: Bound[] = [];
  for (const device of devicesOf(spec)) found.push(...((await kindOf(device).bound?.(host, spec, device)) ?? []));
  return found.sort((a, b) => depth(a) - depth(b));
}

/** Rules of the list of devices that a privileged instance has. */
export function allowedDevices(host: Host, spec: Spec): readonly string[] {
  if (!isPrivileged(spec.config)) return [];
  return devicesOf(spec)
    .filter(({ options }) => options.type !== 'disk')
    .flatMap(device => ruleOf(host, spec, device) ?? []);
}

/** Those that are plugged in: not the root disk, nor cards, which have a way of their own (`../nic`). */
export function devicesOf({ devices }: Pick<Spec, 'devices'>): readonly Device[] {
  return Object.entries(devices)
    .filter(([, { type, path }]) => type !== 'none' && type !== 'nic' && path !== '/')
    .map(([name, options]) => ({ name, options }));
}

const depth = ({ path }: Bound): number => path.split('/').filter(Boolean).length;

/** @throws AppError `unsupported` naming the device */
export function kindOf({ name, options }: Device): DeviceKind {
  const type = options.type ?? '';
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  return kind ?? fail('unsupported', `Device "${name}": type "${type}" is not supported by this host`);
}
