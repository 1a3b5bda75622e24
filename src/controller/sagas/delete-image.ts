/** Forgets an image with its aliases, then has every host remove it. Hosts that are away keep a copy that nobody misses. */
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { homeOf } from '../projects/project-store.ts';
import { isLost } from '../saga/live-agents.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { IMAGE_ALIASES, IMAGES, NODES } from '../spaces.ts';

export type DeleteImageInput = { readonly fingerprint: string };

interface Given {
  readonly input: DeleteImageInput;
}

export const deleteImage = saga<DeleteImageInput>('delete-image', 1)
  .pivot('forget', forget)
  .forward('remove', remove)
  .end();

async function forget(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  const project = homeOf(view, context.project, 'images');
  await commitDecided(context, () => {
    const stored = view.get(IMAGES.key(project, input.fingerprint));
    if (stored === undefined) return undefined;
    const aliases = view.list(IMAGE_ALIASES, project).filter(({ value }) => value.target === input.fingerprint);
    return together(IMAGES.remove(stored), ...aliases.map(alias => IMAGE_ALIASES.remove(alias)));
  });
}

async function remove(context: StepContext, { input }: Given): Promise<void> {
  const { view, agents } = context;
  const { fingerprint } = input;
  if (view.list(IMAGES).some(({ value }) => value.fingerprint === fingerprint)) return; // another project has it
  const nodes = view.list(NODES).map(({ value }) => value.name);
  const there = nodes.filter(node => !isLost(view, node));
  await Promise.all(there.map(node => agents.of(node).ensureNoImage({ fingerprint })));
}
