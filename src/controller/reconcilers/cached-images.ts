/** An image that was fetched to make an instance, and of which none was made for some days, is deleted: it can be fetched again. */
import { AppError } from '../../domain/errors.ts';
import { beginDeleteImage } from '../commands/images.ts';
import { sharedSetting } from '../server-config.ts';
import { IMAGES, SERVER } from '../spaces.ts';
import type { Reconciler } from './reconciler.ts';

const DAY_MS = 24 * 3600_000;

export const cachedImages: Reconciler = {
  name: 'cached-images',
  periodMs: 600_000,
  hints: [IMAGES.prefix, SERVER.prefix],
  run: async context => {
    const { view, clock } = context;
    const deleted: string[] = [];
    for (const { value } of view.list(IMAGES)) {
      const { project, fingerprint, cached, lastUsedAt, uploadedAt } = value;
      const days = Number(sharedSetting(view, project, 'images.remote_cache_expiry'));
      const used = Date.parse(lastUsedAt || uploadedAt);
      if (!cached || days === 0 || !(clock.now() - used > days * DAY_MS)) continue;
      try {
        await beginDeleteImage(context, { project, fingerprint });
        deleted.push(fingerprint.slice(0, 12));
      } catch (thrown) {
        if (AppError.from(thrown).code !== 'busy') throw thrown;
      }
    }
    return deleted.length === 0 ? '' : `deletes cached images ${deleted.join(', ')}`;
  },
};
