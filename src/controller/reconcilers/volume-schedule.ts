/** Takes the snapshots that `snapshots.schedule` of custom volumes asks for; late and failed ones as with instances. */
import { AppError } from '../../domain/errors.ts';
import { lastDue } from '../../domain/snapshot-schedule.ts';
import { beginCreateVolumeSnapshot } from '../commands/volumes/snapshots.ts';
import { VOLUME_SNAPSHOTS, VOLUMES } from '../spaces.ts';
import type { Reconciler } from './reconciler.ts';

const LATE_MS = 5 * 60_000;

export function volumeSchedule(): Reconciler {
  /** By volume id: what was begun or has failed, in ms since the epoch. */
  const tried = new Map<string, number>();
  return {
    name: 'volume-schedule',
    periodMs: 15_000,
    hints: [],
    run: async context => {
      const { view, clock } = context;
      const now = clock.now();
      const taken: string[] = [];
      for (const { value } of view.list(VOLUMES)) {
        const { id, name, node, phase, config, createdAt } = value;
        const schedule = config['snapshots.schedule'];
        if (!schedule || phase !== 'ready' || node === '') continue;
        const due = lastDue(schedule, id, now, LATE_MS);
        if (due === undefined || due < Date.parse(createdAt) || due <= (tried.get(id) ?? 0)) continue;
        const isTaken = view.list(VOLUME_SNAPSHOTS, id).some(each => Date.parse(each.value.scheduledFor ?? '') >= due);
        if (isTaken) continue;
        try {
          const wanted = { ...value, snapshot: '', expiresAt: undefined, description: '', scheduledFor: due };
          await beginCreateVolumeSnapshot(context, wanted);
          taken.push(name);
        } catch (thrown) {
          const { code, message } = AppError.from(thrown);
          if (code === 'busy' || code === 'unavailable') continue;
          context.log.warn('scheduled snapshot refused', { volume: name, error: message });
        }
        tried.set(id, due);
      }
      for (const [id, at] of tried) if (at < now - 2 * LATE_MS) tried.delete(id);
      return taken.length === 0 ? '' : `snapshots of volumes ${taken.join(', ')}`;
    },
  };
}
