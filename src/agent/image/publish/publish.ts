/**
 * Packs an instance, or a snapshot of it, into an upload as a unified image: metadata.yaml, templates, and its root as the
 * instance sees it. Finishing the upload makes it an image.
 */
import { stringify } from 'yaml';
import { fail } from '../../../domain/errors.ts';
import type { ImageMetadata } from '../../../domain/image-metadata.ts';
import type { Config } from '../../../domain/instance.ts';
import { backupTar } from '../../backups/backup-tar.ts';
import { writePacked } from '../../compress.ts';
import type { Host } from '../../host.ts';
import { metadataFor } from '../../images.ts';
import { idMapOf } from '../../instance-files.ts';
import type { Report } from '../../progress.ts';
import type { Ref } from '../../spec.ts';
import { instanceVolume } from '../../storage/volume.ts';
import type { ImageStore } from '../image-store.ts';

export interface PublishOrder {
  /** Id of the snapshot; undefined: the instance as it is now, which must be stopped. */
  readonly snapshot: string | undefined;
  readonly upload: string;
  /** Fingerprint of the image whose templates go along; '' = none. */
  readonly image: string;
  /** The instance's own, which go along instead; '' = it has none. */
  readonly metadata: string;
  readonly architecture: string;
  /** Seconds since the epoch; 0 = never. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly properties: Config;
  readonly compression: string;
}

/** Repeatable. @throws AppError `conflict` if it runs, `invalid` for the compression, `exhausted` */
export async function publishInstance(
  host: Host,
  store: ImageStore,
  ref: Ref,
  order: PublishOrder,
  report: Report,
): Promise<void> {
  await host.locks.run(ref.id, async () => {
    if (host.isMoving(ref.id)) fail('busy', `instance ${ref.id} is being moved`);
    const { spec, pool } = host.ledger.expect(ref);
    const driver = host.pools.get(pool);
    const volume = instanceVolume(ref.id);
    if (order.snapshot === undefined && host.runtime.look(ref.id).pid !== 0)
      fail('conflict', `Instance ${spec.name} runs: stop it first, or publish a snapshot of it`);
    const path =
      order.snapshot === undefined ? await driver.activate(volume) : await driver.snapshotPath(volume, order.snapshot);
    const image = await metadataFor(store, order.metadata, order.image);
    const templates = Object.entries(image?.templates ?? {});
    const texts = {
      'metadata.yaml': metadataYaml({ ...order, templates: image?.metadata.templates ?? {} }),
      ...Object.fromEntries(templates.map(([name, text]) => [`templates/${name}`, text])),
    };
    await writePacked(await store.uploadPath(order.upload, 'meta'), order.compression, async function* () {
      let bytes = 0;
      for await (const chunk of backupTar(texts, [{ folder: 'rootfs', path }], idMapOf(host, spec))) {
        bytes += chunk.length;
        report({ phase: 'pack', bytes: BigInt(bytes) });
        yield chunk;
      }
    });
  });
}

/** The counterpart of `parseMetadata`. */
function metadataYaml({ architecture, createdAt, expiresAt, properties, templates }: ImageMetadata): string {
  return stringify({
    architecture,
    creation_date: createdAt,
    ...(expiresAt === 0 ? {} : { expiry_date: expiresAt }),
    properties,
    templates: Object.fromEntries(
      Object.entries(templates).map(([path, { when, file, createOnly, properties: own }]) => [
        path,
        { when, template: file, create_only: createOnly, properties: own },
      ]),
    ),
  });
}
