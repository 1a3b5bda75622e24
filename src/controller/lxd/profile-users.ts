/** Brings a change of a profile to the instances that use it. */
import { AppError } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import type { ProfileRecord } from '../../domain/profile.ts';
import { mustBeWithinLimits } from '../../domain/project-limits.ts';
import { mustKeepRestrictions } from '../../domain/project-restrictions.ts';
import type { Key, Stored } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import type { Requestor } from '../commands/commander.ts';
import { beginRefreshInstance } from '../commands/update-instance.ts';
import { expanded } from '../instances/expanded.ts';
import { getProject, homeOf } from '../projects/project-store.ts';
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

/**
 * Nothing changes when it would take an instance beyond the limits or restrictions of its project.
 * @throws AppError `invalid`, naming project and key.
 */
export function mustSuitProjects(
  view: View,
  { key, value }: Stored<ProfileRecord>,
  next: Pick<ProfileRecord, 'config' | 'devices'>,
): void {
  const profile = { ...value, ...next };
  mustKeepRestrictions(getProject(view, profile.project), profile);
  const then: Pick<View, 'get'> = {
    get: <T>(wanted: Key<T>) => {
      const found = view.get(wanted);
      return found !== undefined && String(wanted) === key ? { ...found, value: profile as T } : found;
    },
  };
  for (const name of new Set(usersOf(view, value).map(user => user.value.project))) {
    const project = getProject(view, name);
    const instances = view
      .list(INSTANCES, name)
      .map(each => ({ name: each.value.name, ...expanded(then, each.value) }));
    for (const instance of instances) mustKeepRestrictions(project, instance);
    mustBeWithinLimits(project, instances);
  }
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
