/**
 * Takes the snapshots that `snapshots.schedule` asks for. One that was missed (nobody led, the instance was busy) is made
 * up for within some minutes, and only the last one; one that fails is not tried again until the next is due.
 */
import { AppError } from '../../domain/errors.ts';
import type { Config, InstanceRecord } from '../../domain/instance.ts';
import { isAtStartup, lastDue } from '../../domain/snapshot-schedule.ts';
import { isTrue } from '../../domain/values.ts';
import { beginCreateSnapshot } from '../commands/snapshots.ts';
import { expanded } from '../instances/expanded.ts';
import { seenState } from '../instances/state.ts';
import { INSTANCES, SNAPSHOTS, STATUS } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

const LATE_MS = 5 * 60_000;

export function snapshotSchedule(): Reconciler {
  /** By instance id: what was begun or has failed, in ms since the epoch. */
  const tried = new Map<string, number>();
  return {
    name: 'snapshot-schedule',
    periodMs: 15_000,
    hints: [STATUS.prefix], // for those that are due at a start
    run: async context => {
      const { view, clock } = context;
      const now = clock.now();
      const taken: string[] = [];
      for (const { value } of view.list(INSTANCES)) {
        if (value.phase !== 'ready') continue;
        const due = dueOf(context, value, now);
        if (due === undefined || due <= (tried.get(value.id) ?? 0)) continue;
        if (view.list(SNAPSHOTS, value.id).some(({ value: each }) => Date.parse(each.scheduledFor ?? '') >= due))
          continue;
        try {
          const { project, name } = value;
          await beginCreateSnapshot(context, { project, name, snapshot: '', stateful: false, scheduledFor: due });
          taken.push(name);
        } catch (thrown) {
          const { code, message } = AppError.from(thrown);
          if (code === 'busy' || code === 'unavailable') continue;
          context.log.warn('scheduled snapshot refused', { instance: value.name, error: message });
        }
        tried.set(value.id, due);
      }
      for (const [id, at] of tried) if (at < now - 2 * LATE_MS) tried.delete(id);
      return taken.length === 0 ? '' : `snapshots of ${taken.join(', ')}`;
    },
  };
}

/** When the last one was due (ms since the epoch), if that is not long ago. */
function dueOf({ view }: ReconcileContext, record: InstanceRecord, now: number): number | undefined {
  const config = configOf(view, record);
  const schedule = config['snapshots.schedule'];
  if (!schedule) return undefined;
  const state = seenState(view, record);
  const runs = state === 'running' || state === 'frozen';
  if (!runs && (state !== 'stopped' || !isTrue(config['snapshots.schedule.stopped']))) return undefined;
  const started = runs && isAtStartup(schedule) ? Date.parse(record.lastUsedAt ?? '') : Number.NaN;
  const times = [lastDue(schedule, record.id, now, LATE_MS) ?? Number.NaN, started];
  const due = Math.max(...times.filter(at => at > now - LATE_MS && at >= Date.parse(record.createdAt)));
  return Number.isFinite(due) ? due : undefined;
}

function configOf(view: ReconcileContext['view'], record: InstanceRecord): Config {
  try {
    return expanded(view, record).config;
  } catch {
    return record.config; // a profile is gone: whoever mends that mends this
  }
}
