/** What creating an instance needs of the images kept on this host. */
import type { Spec } from './spec.ts';
import type { IdMap } from './storage/id-map.ts';

export interface Images {
  /** @throws AppError `not-found` if this host does not have the image */
  unpack(fingerprint: string, folder: string, idMap: IdMap | undefined): Promise<void>;
  /** Renders the image's templates of this trigger into the root. Nothing to do without an image. */
  render(
    spec: Spec,
    trigger: 'create' | 'copy' | 'rename' | 'start',
    rootfs: string,
    idMap: IdMap | undefined,
  ): Promise<void>;
}
