/** What creating and starting an instance needs of the images kept on this host. */
import type { InstanceMetadata, Trigger } from '../domain/image-metadata.ts';
import { readInstanceMetadata } from './image/image-info.ts';
import type { ImageStore } from './image/image-store.ts';
import { renderTemplates } from './image/render-templates.ts';
import { isPrivileged, type Spec } from './spec.ts';
import type { IdMap } from './storage/id-map.ts';

export interface Images {
  /** Fills an empty folder with the image's root. @throws AppError `not-found` if this host does not have the image */
  unpack(fingerprint: string, folder: string, idMap: IdMap | undefined): Promise<void>;
  /**
   * Renders its templates of this trigger into the root: its own, or else the image's. Does nothing where the image is not
   * kept: an instance that was moved here came with its files.
   */
  render(spec: Spec, trigger: Trigger, rootfs: string, idMap: IdMap | undefined): Promise<void>;
}

/** @param own what the instance was given instead of its image's; '' = nothing */
export async function metadataFor(
  store: Pick<ImageStore, 'find'>,
  own: string | undefined,
  image: string,
): Promise<InstanceMetadata | undefined> {
  if (own) return readInstanceMetadata(own);
  return image === '' ? undefined : store.find(image);
}

export function imagesIn(store: ImageStore): Images {
  return {
    unpack: store.unpack,
    async render(spec, trigger, rootfs, idMap) {
      const info = await metadataFor(store, spec.metadata, spec.image);
      if (info === undefined) return;
      await renderTemplates(info, trigger, { ...spec, privileged: isPrivileged(spec.config) }, rootfs, idMap);
    },
  };
}
