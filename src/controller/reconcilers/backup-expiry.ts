/** A backup whose day has come is deleted, when its host is there. */
import { AppError } from '../../domain/errors.ts';
import { beginDeleteBackup } from '../commands/backups.ts';
import { beginDeleteVolumeBackup } from '../commands/volumes/backups.ts';
import { isLost } from '../saga/live-agents.ts';
import { BACKUPS, INSTANCES, VOLUMES } from '../spaces.ts';
import type { Reconciler } from './reconciler.ts';

export const backupExpiry: Reconciler = {
  name: 'backup-expiry',
  periodMs: 60_000,
  hints: [BACKUPS.prefix],
  run: async context => {
    const { view, clock } = context;
    const deleted: string[] = [];
    for (const { value } of view.list(BACKUPS)) {
      const isDue = value.phase === 'ready' && value.expiresAt !== '' && Date.parse(value.expiresAt) <= clock.now();
      if (!isDue || isLost(view, value.node)) continue;
      const instance = view.list(INSTANCES).find(each => each.value.id === value.instance)?.value;
      const volume = view.list(VOLUMES).find(each => each.value.id === value.instance)?.value;
      const owner = [instance, volume].find(each => each?.phase === 'ready');
      if (owner === undefined) continue;
      const { project, name } = owner;
      try {
        if (owner === volume) await beginDeleteVolumeBackup(context, volume, value.name);
        else await beginDeleteBackup(context, { project, name, backup: value.name });
        deleted.push(`${name}/${value.name}`);
      } catch (thrown) {
        if (AppError.from(thrown).code !== 'busy') throw thrown;
      }
    }
    return deleted.length === 0 ? '' : `deletes backups ${deleted.join(', ')}`;
  },
};
