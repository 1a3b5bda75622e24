/**
 * The public images of project `default` as a simplestreams tree, so that servers and clients that know no LXD protocol can
 * use this cluster as an image store. Of images in two files no sums of each are known: these are left out.
 */
import { debianArchitecture } from '../../../domain/architecture.ts';
import { fail } from '../../../domain/errors.ts';
import type { ImageRecord } from '../../../domain/image.ts';
import { type Answer, raw } from '../../http/answer.ts';
import type { Route } from '../../http/route.ts';
import { IMAGE_ALIASES, IMAGES } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { exportImage } from './export.ts';

const PROJECT = 'default';
const LIST = 'streams/v1/images.json';

export function streamRoutes(lxd: Lxd): readonly Route[] {
  const get = (path: string, handle: Route['handle']): Route => ({ method: 'GET', path, access: 'anyone', handle });
  return [
    get('/streams/v1/index.json', () => json(indexOf(offered(lxd)))),
    get(`/${LIST}`, () => json(productsOf(offered(lxd), aliasesOf(lxd)))),
    get('/streams/v1/files/:fingerprint/lxd.tar.gz', ({ params }) => {
      const image = offered(lxd).find(({ fingerprint }) => fingerprint === params.fingerprint);
      return exportImage(lxd, image ?? fail('not-found', `Image not found: ${params.fingerprint}`));
    }),
  ];
}

const offered = ({ view }: Lxd): readonly ImageRecord[] =>
  view
    .list(IMAGES, PROJECT)
    .map(({ value }) => value)
    .filter(image => image.public && !image.split);

const aliasesOf = ({ view }: Lxd) => {
  const all = view.list(IMAGE_ALIASES, PROJECT).map(({ value }) => value);
  return ({ fingerprint }: ImageRecord) => all.filter(({ target }) => target === fingerprint).map(({ name }) => name);
};

const json = (value: unknown): Answer => raw('application/json', JSON.stringify(value));

/** Pure. */
export function indexOf(images: readonly ImageRecord[]) {
  const entry = { datatype: 'image-downloads', path: LIST, format: 'products:1.0', products: images.map(nameOf) };
  return { format: 'index:1.0', index: { images: entry } };
}

/** Pure. Each image is a product with one version. */
export function productsOf(images: readonly ImageRecord[], aliasesOf: (image: ImageRecord) => readonly string[]) {
  const products = images.map(image => {
    const { fingerprint, properties, architecture, sizeBytes } = image;
    const item = {
      ftype: 'lxd_combined.tar.gz',
      path: `streams/v1/files/${fingerprint}/lxd.tar.gz`,
      sha256: fingerprint,
      size: sizeBytes,
    };
    const product = {
      aliases: aliasesOf(image).join(','),
      arch: debianArchitecture(architecture),
      os: properties.os ?? '',
      release: properties.release ?? '',
      release_title: properties.release_title ?? properties.release ?? '',
      version: properties.version ?? '',
      variant: properties.variant ?? '',
      versions: { [serialOf(image)]: { label: properties.label ?? '', items: { 'lxd.tar.gz': item } } },
    };
    return [nameOf(image), product] as const;
  });
  return {
    content_id: 'images',
    datatype: 'image-downloads',
    format: 'products:1.0',
    products: Object.fromEntries(products),
  };
}

const nameOf = ({ fingerprint, architecture }: ImageRecord): string =>
  `${fingerprint}:${debianArchitecture(architecture)}`;

/** `20261124_0830`: readers take its day for the day it was made. */
function serialOf({ createdAt, uploadedAt }: ImageRecord): string {
  const [day = '', time = ''] = (createdAt || uploadedAt).split('T');
  return `${day.replaceAll('-', '')}_${time.slice(0, 5).replace(':', '')}`;
}
