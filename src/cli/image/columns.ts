import { AppError } from '../../domain/errors.ts';
import type { Settings } from '../api/instance.ts';
import { longDate, yesNo } from '../render/quantity.ts';

/** An image as the API shows it. */
export interface Image {
  readonly fingerprint: string;
  readonly public: boolean;
  readonly cached?: boolean;
  readonly auto_update?: boolean;
  readonly architecture: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  readonly filename?: string;
  readonly properties: Settings | null;
  readonly profiles?: readonly string[] | null;
  readonly aliases: readonly { readonly name: string; readonly description: string }[] | null;
  readonly created_at: string;
  readonly uploaded_at: string;
  readonly expires_at?: string;
  readonly last_used_at?: string;
}

/** The columns of `berth image list`, under the letters of LXD's client. */
export interface ImageColumn {
  readonly header: string;
  readonly cell: (image: Image) => string;
}

export const DEFAULT_IMAGE_COLUMNS = 'lfpdatsu';

const LETTERS: Readonly<Record<string, ImageColumn>> = {
  l: { header: 'ALIAS', cell: shortestAlias },
  L: { header: 'ALIASES', cell: i => (i.aliases ?? []).map(alias => alias.name).join('\n') },
  f: { header: 'FINGERPRINT', cell: i => i.fingerprint.slice(0, 12) },
  F: { header: 'FINGERPRINT', cell: i => i.fingerprint },
  p: { header: 'PUBLIC', cell: i => yesNo(i.public) },
  d: { header: 'DESCRIPTION', cell: i => i.properties?.description ?? '' },
  a: { header: 'ARCHITECTURE', cell: i => i.architecture },
  t: { header: 'TYPE', cell: i => (i.type || 'container').toUpperCase() },
  s: { header: 'SIZE', cell: i => imageSize(i.size) },
  u: { header: 'UPLOAD DATE', cell: i => longDate(i.uploaded_at) ?? '' },
};

export function parseImageColumns(text: string): readonly ImageColumn[] {
  return [...text.replaceAll(',', '')].map(letter => {
    const column = LETTERS[letter];
    if (column === undefined)
      throw new AppError(
        'invalid',
        `Unknown column shorthand char '${letter}': known are ${Object.keys(LETTERS).join('')}`,
      );
    return column;
  });
}

/** Megabytes of 1024² bytes under the name MB, as LXD's client prints images. */
export function imageSize(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(2)}MB`;
}

/** A filter is part of the fingerprint or of an alias, or property=value. */
export function matchesImage(image: Image, filters: readonly string[]): boolean {
  return filters.every(filter => {
    const equals = filter.indexOf('=');
    if (equals === -1)
      return image.fingerprint.startsWith(filter) || (image.aliases ?? []).some(alias => alias.name.includes(filter));
    const [key, value] = [filter.slice(0, equals), filter.slice(equals + 1)];
    const found = key in ATTRIBUTES ? ATTRIBUTES[key as keyof typeof ATTRIBUTES](image) : image.properties?.[key];
    return found?.toLowerCase() === value.toLowerCase();
  });
}

const ATTRIBUTES = {
  architecture: (i: Image) => i.architecture,
  type: (i: Image) => i.type,
  public: (i: Image) => String(i.public),
};

function shortestAlias(image: Image): string {
  const names = (image.aliases ?? []).map(alias => alias.name).toSorted((a, b) => a.length - b.length);
  if (names.length === 0) return '';
  return names.length === 1 ? names[0]! : `${names[0]} (${names.length - 1} more)`;
}
