/** Which image of a store a name means. Pure. */
import { debianArchitecture } from '../architecture.ts';
import { fail } from '../errors.ts';
import type { StoreImage } from './read.ts';

/** Ubuntu's own store calls its images `ubuntu/22.04` where everybody says `22.04`. */
const UBUNTU_HOSTS = new Set(['cloud-images.ubuntu.com']);

/** The names under which the image can be asked for. */
export function namesOf(image: Pick<StoreImage, 'aliases' | 'architecture'>, server: string): readonly string[] {
  const isUbuntu = URL.canParse(server) && UBUNTU_HOSTS.has(new URL(server).hostname);
  const plain = image.aliases.map(alias => (isUbuntu && alias.startsWith('ubuntu/') ? alias.slice(7) : alias));
  return plain.flatMap(alias => [alias, `${alias}/${debianArchitecture(image.architecture)}`]);
}

/**
 * @param images the newest first @param wanted an alias (`debian/12`, `debian/12/arm64`), a fingerprint or its beginning
 * @param architecture what a plain alias means; LXD's name for it
 * @throws AppError `not-found`
 */
export function chooseImage(
  images: readonly StoreImage[],
  server: string,
  wanted: string,
  architecture: string,
): StoreImage {
  const named = images.filter(image => namesOf(image, server).includes(wanted));
  const found = named.find(image => image.architecture === architecture) ?? namedWithArchitecture(named, wanted);
  if (found !== undefined) return found;
  const prefix = /^[0-9a-f]{12,64}$/.test(wanted) ? wanted : undefined;
  const byPrint = prefix === undefined ? undefined : images.find(({ fingerprint }) => fingerprint.startsWith(prefix));
  if (byPrint !== undefined) return byPrint;
  const others = [...new Set(named.map(image => image.architecture))];
  return fail(
    'not-found',
    others.length === 0
      ? `The image store ${server} has no image "${wanted}"`
      : `The image store ${server} has "${wanted}" only for ${others.join(', ')}, not for ${architecture}`,
  );
}

/** `debian/12/arm64` says its architecture itself. */
function namedWithArchitecture(named: readonly StoreImage[], wanted: string): StoreImage | undefined {
  return named.find(image => wanted.endsWith(`/${debianArchitecture(image.architecture)}`));
}
