/** Brings a change of a profile to the instances that use it. */
import { AppError } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import type { ProfileRecord } from '../../domain/profile.ts';
import type { Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import type { Requestor } from '../commands/commander.ts';
import { beginRefreshInstance } from '../commands/update-instance.ts';
import { homeOf } from '../projects/project-store.ts';
import { INSTANCES } from '../spaces.ts';
import type { Lxd } from './context.ts';

/** Also those of projects that have no profiles of their own. */
export function usersOf(
  view: View,
  { project, name }: Pick<ProfileRecord, 'project' | 'name'>,
): readonly Stored<InstanceRecord>[] {
  return view
    .list(INSTANCES)
    .filter(({ value }) => value.profiles.includes(name) && homeOf(view, value.project, 'profiles') === project);
}

/** @throws AppError naming those that could not take it; the profile is changed, the others have it. */
export async function refreshInstances(lxd: Lxd, profile: ProfileRecord, requestor: Requestor): Promise<void> {
  const users = usersOf(lxd.view, profile)
    .map(({ value }) => value)
    .filter(({ phase }) => phase === 'ready');
  const failures = await Promise.all(
    users.map(async ({ project, name }) => {
      try {
        const { id } = await beginRefreshInstance(lxd, { project, name }, requestor);
        const { state, error } = await lxd.engine.finished(id);
        return state === 'succeeded' ? [] : [`${name}: ${error?.message ?? state}`];
      } catch (thrown) {
        return [`${name}: ${AppError.from(thrown).message}`];
      }
    }),
  );
  const told = failures.flat();
  if (told.length > 0)
    throw new AppError('unsupported', `The profile is changed, but not everywhere: ${told.join('; ')}`);
}
