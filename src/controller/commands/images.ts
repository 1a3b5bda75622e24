/** "Keep this image", and "forget it". */
import { fail } from '../../domain/errors.ts';
import { homeOf } from '../projects/project-store.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { deleteImage } from '../sagas/delete-image.ts';
import { type ImportInput, importImage } from '../sagas/import-image.ts';
import { imageResources } from '../sagas/urls.ts';
import { IMAGES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';

export type ImportImage = Pick<ImportInput, 'node' | 'upload' | 'fingerprint' | 'filename' | 'public' | 'properties'> &
  Partial<Pick<ImportInput, 'autoUpdate' | 'profiles' | 'aliases'>> & { readonly project: string };

/** The archive lies whole on `node`, as `upload`. The operation's metadata gets `fingerprint`. */
export async function beginImportImage(
  { engine }: Commander,
  { project, ...image }: ImportImage,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const input = { autoUpdate: false, profiles: [], aliases: [], ...image };
  return engine.start(importImage, input, {
    project,
    description: 'Downloading image',
    resources: {},
    locks: [],
    location: image.node,
    ...(requestor === undefined ? {} : { requestor }),
  });
}

/** @throws AppError `not-found`, `busy`. */
export async function beginDeleteImage(
  { engine, view }: Commander,
  { project, fingerprint }: { readonly project: string; readonly fingerprint: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  if (view.get(IMAGES.key(homeOf(view, project, 'images'), fingerprint)) === undefined)
    fail('not-found', `Image not found: ${fingerprint}`);
  const beginning = {
    project,
    description: 'Deleting image',
    resources: imageResources(project, fingerprint),
    locks: [`image/${project}/${fingerprint}`],
    ...(requestor === undefined ? {} : { requestor }),
  };
  return engine.start(deleteImage, { fingerprint }, beginning);
}
