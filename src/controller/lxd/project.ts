/** The `project` parameter. There is one project, `default`, until projects come. */
import { fail } from '../../domain/errors.ts';
import { type ApiRequest, isTrue } from '../http/request.ts';

export const DEFAULT_PROJECT = 'default';

/** @throws AppError `not-found` for a project that does not exist, `forbidden` for one the caller is kept out of. */
export function projectOf(request: ApiRequest): string {
  const { project } = request.query;
  if (project !== undefined && isTrue(request.query['all-projects']))
    fail('invalid', 'Cannot specify a project when requesting all projects');
  if (request.caller.projects?.includes(project || DEFAULT_PROJECT) === false)
    fail('forbidden', 'not authorized: this certificate is restricted to other projects');
  if (project === undefined || project === '' || project === DEFAULT_PROJECT) return DEFAULT_PROJECT;
  return fail('not-found', `Project not found: "${project}" (there is only "${DEFAULT_PROJECT}")`);
}
