/** Which custom volume a verb is about, checked once; and who on this host uses it. */
import { fail } from '../../domain/errors.ts';
import type { VolumeRef as Message } from '../../rpc/gen/berth/agent/v1/volumes_pb.ts';
import type { Host } from '../host.ts';
import type { LedgerEntry } from '../ledger.ts';
import { checkId } from '../spec.ts';
import type { StorageDriver } from '../storage/driver.ts';
import type { IdMap } from '../storage/id-map.ts';
import type { Volume } from '../storage/volume.ts';

export interface VolumeRef {
  readonly pool: string;
  readonly id: string;
}

/** @throws AppError `invalid` */
export function parseVolumeRef(message: Message | undefined): VolumeRef {
  if (message === undefined) fail('invalid', 'ref is missing');
  return { pool: message.pool, id: checkId(message.id) };
}

export const customVolume = (id: string): Volume => ({ kind: 'custom', name: id });

/** The pool and the volume in it. @throws AppError `not-found` if this host has no such pool */
export const placeOf = (host: Host, { pool, id }: VolumeRef): { driver: StorageDriver; volume: Volume } => ({
  driver: host.pools.get(pool),
  volume: customVolume(id),
});

/** Whose ids the files of a volume belong to. */
export const ownersOf = (host: Host, unmapped: boolean): IdMap | undefined =>
  unmapped ? undefined : host.config.idmap;

/** The option by which the controller tells us which volume a disk device is: users cannot give it. */
export const VOLUME_OPTION = 'volume';

/** The instances of this host among whose devices it is. */
export function usersOf(host: Host, { pool, id }: VolumeRef): readonly LedgerEntry[] {
  return host.ledger
    .list()
    .filter(({ spec }) =>
      Object.values(spec.devices).some(
        options => options.type === 'disk' && options.pool === pool && options[VOLUME_OPTION] === id,
      ),
    );
}

/** @throws AppError `conflict` naming a running instance that uses it: waiting would not help */
export function refuseInUse(host: Host, ref: VolumeRef): void {
  const user = usersOf(host, ref).find(({ spec }) => host.runtime.look(spec.id).pid !== 0);
  if (user !== undefined)
    fail('conflict', `The storage volume is used by instance ${user.spec.name}, which runs: stop it first`);
}
