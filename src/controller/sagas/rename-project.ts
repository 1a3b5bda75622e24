/** Another name for an empty project and its default profile: one transaction. A saga, because clients expect an operation. */
import { AppError, fail } from '../../domain/errors.ts';
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { unclaimed } from '../projects/claim.ts';
import { contentsOf } from '../projects/contents.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { PROFILES, PROJECTS } from '../spaces.ts';

export type RenameProjectInput = { readonly name: string; readonly newName: string };

export const renameProject = saga<RenameProjectInput>('rename-project', 1).pivot('rename', rename).end();

async function rename(context: StepContext, { input }: { readonly input: RenameProjectInput }): Promise<void> {
  const { view } = context;
  const { name, newName } = input;
  await commitDecided(context, () => {
    const stored = view.get(PROJECTS.key(name));
    const key = PROJECTS.key(newName);
    const taken = view.get(key) !== undefined;
    if (stored === undefined) return taken ? undefined : fail('not-found', `Project not found: ${name}`);
    if (taken) throw new AppError('exists', `A project named "${newName}" already exists`);
    if (contentsOf(view, name).length > 0) fail('invalid', 'Only empty projects can be renamed');
    const profile = view.get(PROFILES.key(name, 'default'));
    const moved =
      profile === undefined
        ? []
        : [
            PROFILES.remove(profile),
            PROFILES.create(PROFILES.key(newName, 'default'), { ...profile.value, project: newName }),
          ];
    const claims = unclaimed(view, stored.value, true);
    return together(
      claims,
      PROJECTS.remove(stored),
      PROJECTS.create(key, { ...stored.value, name: newName }),
      ...moved,
    );
  });
}
