/** Images and a host that is gone: one that only it had goes with its aliases. */
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import type { StepContext } from '../saga/step-context.ts';
import { IMAGE_ALIASES, IMAGES } from '../spaces.ts';

export async function forgetLostImages(context: StepContext, node: string): Promise<void> {
  const { view } = context;
  for (const { key } of view.list(IMAGES).filter(({ value }) => value.nodes.includes(node)))
    await commitDecided(context, () => {
      const stored = view.get(key);
      if (stored === undefined || !stored.value.nodes.includes(node)) return undefined;
      const nodes = stored.value.nodes.filter(each => each !== node);
      if (nodes.length > 0) return IMAGES.replace(stored, { ...stored.value, nodes });
      const [project] = IMAGES.parts(key);
      const aliases = view
        .list(IMAGE_ALIASES, project)
        .filter(({ value }) => value.target === stored.value.fingerprint);
      return together(IMAGES.remove(stored), ...aliases.map(alias => IMAGE_ALIASES.remove(alias)));
    });
}
