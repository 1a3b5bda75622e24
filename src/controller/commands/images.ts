/** "Keep this image", "make one of this instance", and "forget it". */
import { randomUUID } from 'node:crypto';
import type { Compression } from '../../domain/backup.ts';
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import { getInstance } from '../instances/instance-store.ts';
import { getSnapshot } from '../instances/snapshot-store.ts';
import { mustBeReachable, seenState } from '../instances/state.ts';
import { homeOf } from '../projects/project-store.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { deleteImage } from '../sagas/delete-image.ts';
import { type ImportInput, importImage } from '../sagas/import-image.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { publishImage } from '../sagas/publish-image.ts';
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

/** Of file names. */
const ENDINGS: Readonly<Record<Compression, string>> = {
  none: '',
  gzip: '.gz',
  xz: '.xz',
  zstd: '.zst',
  bzip2: '.bz2',
  lzma: '.lzma',
};

export interface PublishImage {
  readonly project: string;
  /** Of the instance; `snapshot` '' = as it is now, and it must be stopped. */
  readonly name: string;
  readonly snapshot: string;
  readonly public: boolean;
  readonly properties: Config;
  /** ISO 8601; '' = never. */
  readonly expiresAt: string;
  readonly compression: Compression;
  readonly aliases: ImportInput['aliases'];
}

/** The operation's metadata gets `fingerprint`. @throws AppError `not-found`, `invalid` while it runs, `unavailable`, `busy`. */
export async function beginPublishImage(
  { engine, view, clock }: Commander,
  { project, name, snapshot, expiresAt, ...image }: PublishImage,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  mustBeReachable(view, value);
  if (snapshot === '' && seenState(view, value) !== 'stopped')
    fail('invalid', `The instance is running: stop it first (or publish with --force), or publish a snapshot of it`);
  const input = {
    ...image,
    instance: { project, name, id: value.id },
    snapshot: snapshot === '' ? '' : getSnapshot(view, value.id, snapshot).value.id,
    node: value.node,
    upload: randomUUID(),
    fingerprint: '',
    filename: `${name}.tar${ENDINGS[image.compression]}`,
    autoUpdate: false,
    profiles: ['default'],
    createdSeconds: Math.floor(clock.now() / 1000),
    expirySeconds: expiresAt === '' ? 0 : Math.floor(Date.parse(expiresAt) / 1000),
  };
  return engine.start(publishImage, input, instanceBeginning('Publishing image', value, requestor));
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
