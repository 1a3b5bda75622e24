/** What has to be done to the devices of a running instance so that they are as they shall be: pure. */
import type { Config, Devices } from '../../domain/instance.ts';
import type { Device } from './device-kind.ts';

export type DeviceStep =
  | { readonly kind: 'unplug'; readonly device: Device }
  | { readonly kind: 'plug'; readonly device: Device }
  | { readonly kind: 'change'; readonly before: Device; readonly device: Device };

/**
 * Unplugged is first, so that a path or name that one device gives up is free for another. The root disk and cards are no part of it.
 * @param unsure of changes that were broken off: any of these may be in the instance as well
 */
export function deviceSteps(before: Devices, next: Devices, unsure: readonly Devices[] = []): readonly DeviceStep[] {
  const names = [...new Set([before, ...unsure, next].flatMap(devices => Object.keys(devices)))];
  const steps = names.flatMap((name): DeviceStep[] => {
    const wanted = plugged(next[name]);
    const maybe = [before, ...unsure].map(devices => plugged(devices[name]));
    if (maybe.every(each => same(each, wanted))) return [];
    const [was] = maybe;
    if (was !== undefined && wanted !== undefined && was.type === wanted.type && maybe.every(each => same(each, was)))
      return [{ kind: 'change', before: { name, options: was }, device: { name, options: wanted } }];
    const left = maybe.filter((each, at) => each !== undefined && maybe.findIndex(other => same(each, other)) === at);
    return [
      ...left.map(options => ({ kind: 'unplug', device: { name, options: options! } }) as const),
      ...(wanted === undefined ? [] : [{ kind: 'plug', device: { name, options: wanted } } as const]),
    ];
  });
  const order = { unplug: 0, change: 1, plug: 2 } as const;
  return steps.sort((a, b) => order[a.kind] - order[b.kind]);
}

const plugged = (options: Config | undefined): Config | undefined =>
  options === undefined || ['none', 'nic'].includes(options.type ?? '') || options.path === '/' ? undefined : options;

function same(a: Config | undefined, b: Config | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every(key => a[key] === b[key]);
}
