/** How sagas on one custom volume begin. */

import type { Beginning } from '../../saga/engine.ts';
import type { SagaRecord } from '../../saga/saga-record.ts';
import type { VolumeName } from '../../volumes/store.ts';
import { volumeResources } from '../urls.ts';

export type VolumeKey = {
  readonly project: string;
  readonly pool: string;
  readonly name: string;
  readonly id: string;
};

export const volumeKey = ({ project, pool, name, id }: VolumeKey): VolumeKey => ({ project, pool, name, id });

export const volumeLock = ({ project, pool, name }: VolumeName): string => `volume/${project}/${pool}/${name}`;

export function volumeBeginning(
  description: string,
  volume: VolumeName & { readonly node: string },
  requestor?: SagaRecord['requestor'],
): Beginning {
  return {
    project: volume.project,
    description,
    resources: volumeResources(volume.project, volume.pool, volume.name),
    locks: [volumeLock(volume)],
    location: volume.node,
    ...(requestor === undefined ? {} : { requestor }),
  };
}
