/** An image of Debian for tests, benchmarks and demonstrations: the one that `berth image build` makes. */
import { buildDebianImage as build } from '../../src/cli/image/debian/build.ts';
import { chooseMirrors } from '../../src/cli/image/debian/choose-mirrors.ts';
import type { DebianOrder } from '../../src/cli/image/debian/recipe.ts';

/** Debian 12 with systemd unless said otherwise. */
export type Order = Partial<Pick<DebianOrder, 'release' | 'variant' | 'include' | 'movable'>>;

/**
 * Writes LXD's unified image, packed with zstd, to `file`. Needs root and the Debian archive this machine
 * installs from; about 40 s.
 */
export async function buildDebianImage(file: string, order: Order = {}): Promise<void> {
  const debian = { release: 'bookworm', variant: 'systemd', include: [], movable: true } as const;
  await build({ ...debian, ...order, mirrors: chooseMirrors() }, file, { onStep: () => {}, onLine: () => {} });
}
