/** Takes a custom volume away, with its snapshots. From the mark on nobody can attach it. */
import { together } from '../../../store/keyspace.ts';
import { commitDecided } from '../../decide.ts';
import { isLost } from '../../saga/live-agents.ts';
import { saga } from '../../saga/saga.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { BACKUPS, VOLUME_SNAPSHOTS, VOLUMES } from '../../spaces.ts';
import { mustBeUnused, volumeRef } from '../../volumes/use.ts';
import type { VolumeKey } from './volume-beginning.ts';

interface Given {
  readonly input: VolumeKey;
}

export const deleteVolume = saga<VolumeKey>('delete-volume', 1).pivot('mark', mark).forward('destroy', destroy).end();

const find = ({ view }: StepContext, { project, pool, name, id }: VolumeKey) => {
  const stored = view.get(VOLUMES.key(project, pool, name));
  return stored?.value.id === id ? stored : undefined;
};

async function mark(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = find(context, input);
    if (stored === undefined || stored.value.phase === 'deleting') return undefined;
    mustBeUnused(context.view, stored.value);
    return VOLUMES.replace(stored, { ...stored.value, phase: 'deleting' });
  });
}

async function destroy(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  const node = find(context, input)?.value.node ?? '';
  for (const { value } of view.list(BACKUPS, input.id))
    if (!isLost(view, value.node)) await context.agents.of(value.node).ensureNoBackup({ backup: value.id });
  if (node !== '') await context.agents.of(node).ensureNoVolume(volumeRef(input));
  await commitDecided(context, () => {
    const stored = find(context, input);
    const snapshots = view.list(VOLUME_SNAPSHOTS, input.id).map(each => VOLUME_SNAPSHOTS.remove(each));
    const backups = view.list(BACKUPS, input.id).map(each => BACKUPS.remove(each));
    return stored && together(VOLUMES.remove(stored), ...snapshots, ...backups);
  });
}
