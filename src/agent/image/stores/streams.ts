/** Image stores of the simplestreams kind, e.g. https://cloud-images.ubuntu.com/releases. */
import { fail } from '../../../domain/errors.ts';
import { chooseImage, namesOf } from '../../../domain/simplestreams/choose.ts';
import { readIndex, readProducts } from '../../../domain/simplestreams/read.ts';
import { openUrl, readAll } from './open-url.ts';
import type { OfferedImage, Store } from './store.ts';

const MAX_INDEX_BYTES = 1024 * 1024;
/** Ubuntu's list of releases has 5 MB. */
const MAX_PRODUCTS_BYTES = 64 * 1024 * 1024;

export async function findInStreams(store: Store, name: string, architecture: string): Promise<OfferedImage> {
  const { server } = store;
  const paths = readIndex(await getJson(store, 'streams/v1/index.json', MAX_INDEX_BYTES));
  if (paths.length === 0) fail('not-found', `The image store ${server} offers no images`);
  const lists = [];
  for (const path of paths) lists.push(readProducts(await getJson(store, path, MAX_PRODUCTS_BYTES)));
  const image = chooseImage(lists.flat(), server, name || 'default', architecture);
  return {
    fingerprint: image.fingerprint,
    architecture: image.architecture,
    filename: image.files[0]!.path.split('/').at(-1)!,
    sizeBytes: image.sizeBytes,
    properties: image.properties,
    createdAt: image.createdAt,
    expiresAt: image.expiresAt,
    isPublic: true,
    aliases: namesOf(image, server),
    files: image.files.map(({ path, ...file }) => ({ ...file, url: `${server}/${path}` })),
  };
}

async function getJson(store: Store, path: string, maxBytes: number): Promise<unknown> {
  const url = `${store.server}/${path}`;
  const text = await readAll(await openUrl(url, store), maxBytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail('invalid', `${url} is not JSON: is this an image store?`, error);
  }
}
