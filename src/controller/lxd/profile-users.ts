/** Brings a change of a profile to the instances that use it. */
import { AppError } from '../../domain/errors.ts';
import type { ProfileRecord } from '../../domain/profile.ts';
import type { Requestor } from '../commands/commander.ts';
import { beginRefreshInstance } from '../commands/update-instance.ts';
import { INSTANCES } from '../spaces.ts';
import type { Lxd } from './context.ts';

/** @throws AppError naming those that could not take it; the profile is changed, the others have it. */
export async function refreshInstances(
  lxd: Lxd,
  { project, name: profile }: ProfileRecord,
  requestor: Requestor,
): Promise<void> {
  const users = lxd.view
    .list(INSTANCES, project)
    .map(({ value }) => value)
    .filter(({ profiles, phase }) => phase === 'ready' && profiles.includes(profile));
  const failures = await Promise.all(
    users.map(async ({ name }) => {
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
