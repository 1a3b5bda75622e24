/** An instance, or a snapshot of it, becomes an image: its host packs it as if somebody had uploaded it there. */
import type { Compression } from '../../domain/backup.ts';
import { refOf } from '../instances/expanded.ts';
import { type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { ownMetadata } from '../instances/metadata.ts';
import { drain } from '../instances/progress.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { type ImportInput, importing } from './import-image.ts';

export type PublishInput = ImportInput & {
  readonly instance: InstanceKey;
  /** Id of the snapshot; '' = as it is now. */
  readonly snapshot: string;
  readonly compression: Compression;
  /** Since the epoch; 0 = never. */
  readonly createdSeconds: number;
  readonly expirySeconds: number;
};

export const publishImage = saga<PublishInput>('publish-image', 1)
  .undoable('pack', pack, importing.discard)
  .undoable('finish', importing.finish, importing.discard)
  .undoable('keep', async () => {}, importing.removeUnlessKnown)
  .pivot('publish', importing.publish)
  .forward('tidy', importing.discard)
  .end();

async function pack(context: StepContext, { input }: { readonly input: PublishInput }): Promise<void> {
  const { value } = needInstance(context.view, input.instance);
  const { snapshot, upload, compression, properties } = input;
  const request = {
    ref: refOf(value, value.generation),
    snapshot,
    upload,
    image: value.image,
    metadata: ownMetadata(context.view, value.id),
    architecture: value.architecture,
    createdAt: BigInt(input.createdSeconds),
    expiresAt: BigInt(input.expirySeconds),
    properties: { ...properties },
    compression,
  };
  await drain(
    context,
    'create_image_from_container_pack_progress',
    context.agents.of(input.node).publishInstance(request),
  );
}
