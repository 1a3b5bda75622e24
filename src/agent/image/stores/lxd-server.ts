/** Images of another server of the LXD API: public ones, and private ones by a secret that their server gave. */
import { z } from 'zod';
import { AppError, fail } from '../../../domain/errors.ts';
import { openUrl, readAll } from './open-url.ts';
import type { OfferedImage, Store } from './store.ts';

const MAX_BYTES = 4 * 1024 * 1024;

const aliasAnswer = z.object({ metadata: z.object({ target: z.string() }) });
const imageAnswer = z.object({
  metadata: z.object({
    fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
    architecture: z.string(),
    filename: z.string().nullish(),
    size: z.number().nonnegative(),
    type: z.string().nullish(),
    public: z.boolean().nullish(),
    properties: z.record(z.string(), z.string()).nullish(),
    aliases: z.array(z.object({ name: z.string() })).nullish(),
    created_at: z.string().nullish(),
    expires_at: z.string().nullish(),
  }),
});

/** By alias, or by fingerprint. */
export async function findOnServer(store: Store, name: string): Promise<OfferedImage> {
  const target = await aliasTarget(store, name);
  const { metadata: image } = await ask(store, serverUrl(store, 'images', target ?? name), imageAnswer);
  if (image.type === 'virtual-machine')
    fail('unsupported', `The image "${name}" of ${store.server} is of a virtual machine: Berth runs system containers`);
  return {
    fingerprint: image.fingerprint,
    architecture: image.architecture,
    filename: (image.filename ?? '').replace(/[^\w.+~-]/g, '_').slice(0, 255),
    sizeBytes: Math.trunc(image.size),
    properties: image.properties ?? {},
    createdAt: secondsOf(image.created_at),
    expiresAt: secondsOf(image.expires_at),
    isPublic: image.public ?? false,
    aliases: (image.aliases ?? []).map(({ name: alias }) => alias),
    files: [],
  };
}

/** @param more added to the path of the API */
export function serverUrl({ server, secret, project }: Store, ...segments: readonly string[]): string {
  const query = new URLSearchParams({ ...(project === '' ? {} : { project }), ...(secret === '' ? {} : { secret }) });
  const path = segments.map(segment => encodeURIComponent(segment)).join('/');
  return `${server}/1.0/${path}${query.size === 0 ? '' : `?${query}`}`;
}

async function aliasTarget(store: Store, name: string): Promise<string | undefined> {
  if (/^[0-9a-f]{64}$/.test(name)) return undefined;
  try {
    return (await ask(store, serverUrl({ ...store, secret: '' }, 'images', 'aliases', name), aliasAnswer)).metadata
      .target;
  } catch (thrown) {
    if (['not-found', 'forbidden'].includes(AppError.from(thrown).code)) return undefined;
    throw thrown;
  }
}

async function ask<S extends z.ZodType>(store: Store, url: string, schema: S): Promise<z.infer<S>> {
  const text = await readAll(await openUrl(url, store), MAX_BYTES);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    fail('invalid', `${store.server} does not answer as a server of the LXD API`, error);
  }
  const parsed = schema.safeParse(answer);
  if (!parsed.success)
    fail(
      'invalid',
      `${store.server} describes the image otherwise than the LXD API: ${parsed.error.issues[0]!.path.join('.')}`,
    );
  return parsed.data!;
}

/** LXD's "no time" is in the year 1. */
const secondsOf = (time: string | null | undefined): number =>
  Math.max(0, Math.trunc(Date.parse(time ?? '') / 1000)) || 0;
