/**
 * What an image store of the simplestreams kind says, read with suspicion: what is wrong with one entry leaves out that
 * entry, never more; nothing that it says leads outside of the store. Pure.
 */
import { knownArchitecture } from '../architecture.ts';

export interface StoreFile {
  readonly part: 'meta' | 'rootfs';
  /** Relative to the store. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface StoreImage {
  /** sha256 over its files, one after the other. */
  readonly fingerprint: string;
  readonly architecture: string;
  /** Those of its product; `NAME` and `NAME/ARCH` both name it. */
  readonly aliases: readonly string[];
  readonly serial: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Seconds since the epoch; 0 = not known. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly sizeBytes: number;
  readonly files: readonly StoreFile[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Far more than any store has. */
const MAX_IMAGES = 50_000;

/** Paths of the lists of products that the index names. */
export function readIndex(document: unknown): readonly string[] {
  const entries = Object.values(fields(fields(document).index)).map(fields);
  return entries
    .filter(
      ({ datatype, products }) => datatype === 'image-downloads' && Array.isArray(products) && products.length > 0,
    )
    .map(({ path }) => text(path))
    .filter(isInside);
}

/** All container images of a list of products, the newest first, and of one version the best packed first. */
export function readProducts(document: unknown): readonly StoreImage[] {
  const found: StoreImage[] = [];
  for (const product of Object.values(fields(fields(document).products)).map(fields)) {
    const architecture = knownArchitecture(text(product.arch));
    if (architecture === undefined) continue;
    for (const [serial, version] of Object.entries(fields(product.versions))) {
      if (!/^\d{8}/.test(serial) || Number.isNaN(dayOf(serial))) continue;
      found.push(...imagesOf(product, architecture, serial, fields(version)));
      if (found.length > MAX_IMAGES) return [];
    }
  }
  return found.toSorted((a, b) => (a.serial === b.serial ? 0 : a.serial < b.serial ? 1 : -1));
}

/** Metadata and what it goes with, best first. Trees made for Incus call the metadata otherwise. */
const METADATA = ['lxd.tar.xz', 'incus.tar.xz'];
const UNIFIED = ['lxd_combined.tar.gz', 'incus_combined.tar.gz'];
const ROOTS = [
  { ftype: 'squashfs', sums: ['combined_squashfs_sha256'], type: 'squashfs' },
  { ftype: 'root.tar.xz', sums: ['combined_rootxz_sha256', 'combined_sha256'], type: 'tar.xz' },
] as const;

function imagesOf(product: Fields, architecture: string, serial: string, version: Fields): StoreImage[] {
  const items = Object.values(fields(version.items)).map(fields);
  const common = (type: string, files: readonly StoreFile[]) => ({
    architecture,
    aliases: text(product.aliases)
      .split(',')
      .map(alias => alias.trim())
      .filter(alias => alias !== ''),
    serial,
    properties: propertiesOf(product, serial, version, type),
    createdAt: dayOf(serial),
    expiresAt: dayOf(text(product.support_eol).replaceAll('-', '')) || 0,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    files,
  });
  const found: StoreImage[] = [];
  const metadata = first(items, METADATA);
  const meta = metadata && fileOf(metadata, 'meta');
  for (const { ftype, sums, type } of ROOTS) {
    const item = first(items, [ftype]);
    const rootfs = item && fileOf(item, 'rootfs');
    const fingerprint = sums.map(key => text(metadata?.[key])).find(isSha256);
    if (meta !== undefined && rootfs !== undefined && fingerprint !== undefined)
      found.push({ fingerprint, ...common(type, [meta, rootfs]) });
  }
  const unified = first(items, UNIFIED);
  const whole = unified && fileOf(unified, 'meta');
  if (whole !== undefined) found.push({ fingerprint: whole.sha256, ...common('tar.gz', [whole]) });
  return found;
}

function first(items: readonly Fields[], ftypes: readonly string[]): Fields | undefined {
  for (const ftype of ftypes) {
    const item = items.find(each => each.ftype === ftype);
    if (item !== undefined) return item;
  }
  return undefined;
}

function fileOf(item: Fields, part: StoreFile['part']): StoreFile | undefined {
  const path = text(item.path);
  const sha256 = text(item.sha256);
  const sizeBytes = Number(item.size);
  if (!isInside(path) || !isSha256(sha256) || !Number.isSafeInteger(sizeBytes) || sizeBytes < 1) return undefined;
  return { part, path, sha256, sizeBytes };
}

/** Under the names that LXD gives them. */
function propertiesOf(
  product: Fields,
  serial: string,
  version: Fields,
  type: string,
): Readonly<Record<string, string>> {
  const { os, release, release_title: title, arch, variant } = product;
  const label = text(version.label);
  const description = [text(os), text(title) || text(release), text(arch), label && `(${label})`, `(${serial})`];
  const requirements = Object.entries({ ...fields(product.requirements), ...fields(product.lxd_requirements) });
  const all = {
    os: text(os),
    release: text(release),
    version: text(product.version),
    variant: text(variant),
    architecture: text(arch),
    label,
    serial,
    description: description.filter(part => part !== '').join(' '),
    type,
    ...Object.fromEntries(requirements.map(([key, value]) => [`requirements.${key}`, text(value)])),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

const isSha256 = (value: string): boolean => /^[0-9a-f]{64}$/.test(value);

/** A path below the store, whoever reads it: no other host, no way up, nothing that a URL takes for more than a path. */
const isInside = (path: string): boolean =>
  /^[A-Za-z0-9._+~:@=,-]+(\/[A-Za-z0-9._+~:@=,-]+)*$/.test(path) &&
  path.length <= 1024 &&
  !/^[a-z][a-z0-9+.-]*:/i.test(path) &&
  !path.split('/').some(part => part === '.' || part === '..');

/** `20240131...` as seconds since the epoch; NaN for no day. */
function dayOf(digits: string): number {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)/.exec(digits) ?? [];
  return year === undefined ? Number.NaN : Date.parse(`${year}-${month}-${day}T00:00:00Z`) / 1000;
}

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const text = (value: unknown): string =>
  typeof value === 'string'
    ? value.slice(0, 4096)
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';
