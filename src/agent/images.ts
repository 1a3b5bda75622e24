/** What creating and starting an instance needs of the images kept on this host. */
import type { ImageStore } from './image/image-store.ts';
import type { Trigger } from './image/metadata.ts';
import { renderTemplates } from './image/render-templates.ts';
import { isPrivileged, type Spec } from './spec.ts';
import type { IdMap } from './storage/id-map.ts';

export interface Images {
  /** Fills an empty folder with the image's root. @throws AppError `not-found` if this host does not have the image */
  unpack(fingerprint: string, folder: string, idMap: IdMap | undefined): Promise<void>;
  /**
   * Renders the image's templates of this trigger into the root. Does nothing where the image is not kept: an instance
   * that was moved here came with its files.
   */
  render(spec: Spec, trigger: Trigger, rootfs: string, idMap: IdMap | undefined): Promise<void>;
}

export function imagesIn(store: ImageStore): Images {
  return {
    unpack: store.unpack,
    async render(spec, trigger, rootfs, idMap) {
      const info = spec.image === '' ? undefined : await store.find(spec.image);
      if (info === undefined) return;
      await renderTemplates(info, trigger, { ...spec, privileged: isPrivileged(spec.config) }, rootfs, idMap);
    },
  };
}
