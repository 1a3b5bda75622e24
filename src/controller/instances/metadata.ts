/** What an instance's image says of it, and what its user made of that: read, changed, and copied with the instance. */
import { AppError, fail } from '../../domain/errors.ts';
import type { InstanceMetadata } from '../../domain/image-metadata.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { together } from '../../store/keyspace.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import { commitDecided } from '../decide.ts';
import { homeOf } from '../projects/project-store.ts';
import { IMAGES, INSTANCE_METADATA } from '../spaces.ts';
import { findInstance } from './instance-store.ts';

interface Place {
  readonly store: Store;
  readonly view: View;
  readonly agents: Agents;
}

/** With its templates. It goes to hosts in every description of the instance, and into one key of the store. */
const MAX_BYTES = 256 * 1024;

/** What hosts are told of it: JSON; '' = as its image says. */
export function ownMetadata(view: Pick<View, 'get'>, id: string): string {
  const own = view.get(INSTANCE_METADATA.key(id))?.value;
  return own === undefined ? '' : JSON.stringify(own);
}

/** Its own, else its image's. @throws AppError `unavailable` when no host that keeps the image can be reached. */
export async function metadataOf(
  { view, agents }: Omit<Place, 'store'>,
  instance: InstanceRecord,
): Promise<InstanceMetadata> {
  const own = view.get(INSTANCE_METADATA.key(instance.id))?.value;
  if (own !== undefined) return own;
  const image = view.get(IMAGES.key(homeOf(view, instance.project, 'images'), instance.image || '-'))?.value;
  if (image === undefined) return withoutImage(instance);
  for (const node of image.nodes) {
    const found = await agents
      .of(node)
      .getImageMetadata({ fingerprint: image.fingerprint })
      .catch(thrown => {
        if (['unavailable', 'deadline', 'not-found'].includes(AppError.from(thrown).code)) return undefined;
        throw thrown;
      });
    if (found !== undefined) return JSON.parse(found.json) as InstanceMetadata;
  }
  return fail('unavailable', `No host that has image ${image.fingerprint.slice(0, 12)} can be reached`);
}

/** From now on it has its own. `change` may be called again, with what somebody else has made of it meanwhile. */
export async function changeMetadata(
  place: Place,
  instance: InstanceRecord,
  change: (present: InstanceMetadata) => InstanceMetadata,
): Promise<void> {
  const before = await metadataOf(place, instance);
  const key = INSTANCE_METADATA.key(instance.id);
  await commitDecided(place, () => {
    const present = place.view.get(key);
    const stored = findInstance(place.view, instance) ?? fail('not-found', 'Instance not found');
    const next = change(present?.value ?? before);
    if (JSON.stringify(next) === JSON.stringify(present?.value)) return undefined;
    if (Buffer.byteLength(JSON.stringify(next)) > MAX_BYTES)
      fail('invalid', `Metadata and templates of an instance may have ${MAX_BYTES / 1024} KiB together`);
    const exists = { guards: [{ key: stored.key, modRevision: stored.modRevision }], writes: [] };
    return together(
      exists,
      present === undefined ? INSTANCE_METADATA.create(key, next) : INSTANCE_METADATA.replace(present, next),
    );
  });
}

/** To a copy, whose record exists already. */
export async function copyMetadata(place: Omit<Place, 'agents'>, from: string, to: string): Promise<void> {
  await commitDecided(place, () => {
    const original = place.view.get(INSTANCE_METADATA.key(from))?.value;
    const key = INSTANCE_METADATA.key(to);
    return original === undefined || place.view.get(key) !== undefined
      ? undefined
      : INSTANCE_METADATA.create(key, original);
  });
}

/** Made without one, or of one that is deleted: its templates are gone with it. */
function withoutImage({ architecture, createdAt, config }: InstanceRecord): InstanceMetadata {
  const properties = Object.entries(config)
    .filter(([key]) => key.startsWith('image.'))
    .map(([key, value]) => [key.slice('image.'.length), value] as const);
  return {
    metadata: {
      architecture,
      createdAt: Math.floor(Date.parse(createdAt) / 1000),
      expiresAt: 0,
      properties: Object.fromEntries(properties),
      templates: {},
    },
    templates: {},
  };
}
