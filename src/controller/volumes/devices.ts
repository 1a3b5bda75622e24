/** The custom volumes among an instance's devices. Pure. */
import type { Devices } from '../../domain/instance.ts';

export interface VolumeDevice {
  readonly device: string;
  readonly pool: string;
  readonly name: string;
  readonly path: string;
}

export function volumesAmong(devices: Devices): readonly VolumeDevice[] {
  return Object.entries(devices).flatMap(([device, { type, pool = '', source = '', path = '' }]) =>
    type === 'disk' && pool !== '' && source !== '' && path !== '/' ? [{ device, pool, name: source, path }] : [],
  );
}
