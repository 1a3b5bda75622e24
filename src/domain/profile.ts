/** Profiles: config and devices that many instances share; later ones win, the instance's own win over all. */
import type { Config, Devices } from './instance.ts';

/** Key `profiles/<project>/<name>`; written by the profile API. */
export interface ProfileRecord {
  readonly name: string;
  readonly project: string;
  readonly description: string;
  readonly config: Config;
  readonly devices: Devices;
}

/** What an instance is after its profiles are merged in, in their order. Devices are replaced whole, as in LXD. */
export function expand(
  own: { readonly config: Config; readonly devices: Devices },
  profiles: readonly Pick<ProfileRecord, 'config' | 'devices'>[],
): { readonly config: Config; readonly devices: Devices } {
  const layers = [...profiles, own];
  return {
    config: Object.assign({}, ...layers.map(layer => layer.config)) as Config,
    devices: Object.assign({}, ...layers.map(layer => layer.devices)) as Devices,
  };
}
