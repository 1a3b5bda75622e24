/**
 * The folder of a custom volume for one instance: whose ids its files belong to must be the instance's. Mounts that shift
 * ids are no way out: CRIU cannot restore a container with such a mount.
 */
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import type { Host } from '../host.ts';
import type { IdMap } from '../storage/id-map.ts';
import { rootIdOf } from '../storage/id-map.ts';
import { customVolume, VOLUME_OPTION } from './volume-ref.ts';

/** @param idMap of the instance @throws AppError `not-found`, or `unsupported` if its files belong to other ids */
export async function volumeFolder(
  host: Host,
  idMap: IdMap | undefined,
  device: string,
  options: Config,
): Promise<string> {
  const { pool = '', source = '', [VOLUME_OPTION]: id } = options;
  if (id === undefined)
    fail('not-found', `device "${device}": there is no storage volume "${source}" in pool "${pool}"`);
  const driver = host.pools.get(pool);
  const volume = customVolume(id);
  const owner = await driver.rootId(volume);
  if (owner !== 0 && owner !== rootIdOf(idMap)) {
    const advice =
      idMap === undefined
        ? 'a privileged instance needs a volume with security.unmapped=true'
        : 'copy it to a volume of its own for this instance';
    fail(
      'unsupported',
      `device "${device}": the files of volume "${source}" belong to instances of other ids: ${advice}`,
    );
  }
  return driver.activate(volume);
}
