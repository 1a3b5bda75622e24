/** Another config or description: its host first, which may refuse the size. */
import type { Config } from '../../../domain/instance.ts';
import { commitDecided } from '../../decide.ts';
import { drain } from '../../instances/progress.ts';
import { saga } from '../../saga/saga.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { VOLUMES } from '../../spaces.ts';
import { getVolume } from '../../volumes/store.ts';
import { volumeOrder } from '../../volumes/use.ts';
import type { VolumeKey } from './volume-beginning.ts';

export type ChangeVolumeInput = VolumeKey & { readonly config: Config; readonly description: string };

interface Given {
  readonly input: ChangeVolumeInput;
}

export const changeVolume = saga<ChangeVolumeInput>('change-volume', 1)
  .undoable(
    'apply',
    (context, { input }) => apply(context, input, input.config),
    (context, { input }) => apply(context, input, getVolume(context.view, input).value.config),
  )
  .pivot('commit', commit)
  .end();

async function apply(context: StepContext, input: ChangeVolumeInput, config: Config): Promise<void> {
  const { value } = getVolume(context.view, input);
  if (value.node === '' || value.config.size === input.config.size) return;
  await drain(context, 'fs_progress', context.agents.of(value.node).ensureVolume(volumeOrder({ ...value, config })));
}

async function commit(context: StepContext, { input }: Given): Promise<void> {
  const { config, description } = input;
  await commitDecided(context, () => {
    const stored = getVolume(context.view, input);
    const next = { ...stored.value, config, description };
    return JSON.stringify(next) === JSON.stringify(stored.value) ? undefined : VOLUMES.replace(stored, next);
  });
}
