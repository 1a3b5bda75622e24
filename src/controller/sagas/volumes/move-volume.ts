/**
 * A custom volume that nobody uses goes to another host or pool, with its snapshots. Its id stays, and so do the records of
 * its snapshots; what was there before is removed when the record says where it is now.
 */
import { AppError } from '../../../domain/errors.ts';
import type { VolumeRecord } from '../../../domain/volume.ts';
import { together } from '../../../store/keyspace.ts';
import { commitDecided } from '../../decide.ts';
import { saga } from '../../saga/saga.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { VOLUMES } from '../../spaces.ts';
import { getVolume, type VolumeName } from '../../volumes/store.ts';
import { mustBeUnused, volumeRef } from '../../volumes/use.ts';
import { sendOver, takeBack } from './send-over.ts';
import type { VolumeKey } from './volume-beginning.ts';

export type MoveVolumeInput = VolumeKey & {
  /** Where it was. */
  readonly from: string;
  readonly to: { readonly project: string; readonly pool: string; readonly name: string };
  readonly node: string;
  readonly snapshots: Readonly<Record<string, string>>;
  readonly transfer: string;
};

interface Given {
  readonly input: MoveVolumeInput;
}

export const moveVolume = saga<MoveVolumeInput>('move-volume', 1)
  .undoable('send', send, unsend)
  .pivot('switch', switchOver)
  .forward('drop', drop)
  .end();

async function send(context: StepContext, { input }: Given): Promise<void> {
  const { value } = getVolume(context.view, input);
  await sendOver(context, { ...input, snapshot: '' }, value, { ...value, pool: input.to.pool });
}

async function unsend(context: StepContext, { input }: Given): Promise<void> {
  const { value } = getVolume(context.view, input);
  await takeBack(context, input, { ...value, pool: input.to.pool });
}

async function switchOver(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  const keyOf = ({ project, pool, name }: VolumeName) => VOLUMES.key(project, pool, name);
  await commitDecided(context, () => {
    const there = view.get(keyOf(input.to));
    if (there?.value.id === input.id && there.value.node === input.node) return undefined;
    const stored = getVolume(view, input);
    mustBeUnused(view, stored.value);
    const moved: VolumeRecord = { ...stored.value, ...input.to, node: input.node };
    if (stored.key === keyOf(moved)) return VOLUMES.replace(stored, moved);
    if (there !== undefined) throw new AppError('exists', `Volume by that name already exists: "${moved.name}"`);
    return together(VOLUMES.remove(stored), VOLUMES.create(keyOf(moved), moved));
  });
}

async function drop(context: StepContext, { input }: Given): Promise<void> {
  await context.agents.of(input.from).ensureNoVolume(volumeRef(input));
}
