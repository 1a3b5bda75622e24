/** LXD's image object, and how images are named: by fingerprint, an unambiguous beginning of one, or an alias. */
import { fail } from '../../../domain/errors.ts';
import type { ImageRecord } from '../../../domain/image.ts';
import type { Stored } from '../../../store/keyspace.ts';
import type { View } from '../../../store/view.ts';
import { IMAGE_ALIASES, IMAGES } from '../../spaces.ts';
import { NO_TIME } from '../status.ts';

/** @throws AppError `not-found`; `invalid` when the beginning fits more than one. */
export function imageByFingerprint(view: View, project: string, fingerprint: string): Stored<ImageRecord> {
  const wanted = fingerprint.toLowerCase();
  const exact = wanted === '' ? undefined : view.get(IMAGES.key(project, wanted));
  if (exact !== undefined) return exact;
  const found =
    wanted === '' ? [] : view.list(IMAGES, project).filter(({ value }) => value.fingerprint.startsWith(wanted));
  if (found.length > 1)
    fail('invalid', `More than one image begins with "${fingerprint}"; give more of its fingerprint`);
  return found[0] ?? fail('not-found', `Image not found: ${fingerprint}`);
}

/** The fingerprint an alias stands for; undefined if there is no such alias. */
export function aliasTarget(view: View, project: string, alias: string): string | undefined {
  return alias === '' ? undefined : view.get(IMAGE_ALIASES.key(project, alias))?.value.target;
}

export function writableImage({ autoUpdate, properties, public: isPublic, expiresAt, profiles }: ImageRecord) {
  return { auto_update: autoUpdate, properties, public: isPublic, expires_at: orNone(expiresAt), profiles };
}

export function shownImage(view: View, image: ImageRecord) {
  const aliases = view
    .list(IMAGE_ALIASES, image.project)
    .filter(({ value }) => value.target === image.fingerprint)
    .map(({ value }) => ({ name: value.name, description: value.description }));
  return {
    ...writableImage(image),
    fingerprint: image.fingerprint,
    filename: image.filename,
    size: image.sizeBytes,
    architecture: image.architecture,
    type: 'container',
    cached: image.cached,
    aliases,
    created_at: orNone(image.createdAt),
    uploaded_at: orNone(image.uploadedAt),
    last_used_at: orNone(image.lastUsedAt),
  };
}

const orNone = (time: string): string => (time === '' ? NO_TIME : time);
