/** The `project` and `all-projects` parameters: which projects a request is about, and whether its caller may go there. */
import { fail } from '../../domain/errors.ts';
import { DEFAULT_PROJECT, type Feature } from '../../domain/project.ts';
import { mustBeAllowed } from '../../domain/project-restrictions.ts';
import type { View } from '../../store/view.ts';
import type { Answer } from '../http/answer.ts';
import type { Caller } from '../http/caller.ts';
import { type ApiRequest, isTrue } from '../http/request.ts';
import type { Route } from '../http/route.ts';
import { allProjects, getProject, homeOf } from '../projects/project-store.ts';

/** Whether the caller may see and use what is in `project`. */
export function mayEnter({ projects }: Caller, project: string): boolean {
  return projects === undefined || projects.includes(project);
}

/** @throws AppError `forbidden` for a project the caller is kept out of; that it exists was checked by `inProjects`. */
export function projectOf(request: ApiRequest): string {
  const { project } = request.query;
  if (project !== undefined && isTrue(request.query['all-projects']))
    fail('invalid', 'Cannot specify a project when requesting all projects');
  return entered(request.caller, project || DEFAULT_PROJECT);
}

/** The projects that a list is of: the one that is named, or with `all-projects` all that the caller may see. */
export function projectsOf(view: View, request: ApiRequest): readonly string[] {
  if (!isTrue(request.query['all-projects'])) return [projectOf(request)];
  if (request.query.project !== undefined) projectOf(request); // says what is wrong
  return allProjects(view)
    .map(({ name }) => name)
    .filter(name => mayEnter(request.caller, name));
}

/**
 * Where the images, profiles or volumes are that a request is about.
 * @throws AppError `forbidden` for a change of what `default` shares with a project, by who may not enter `default`.
 */
export function homeFor(view: View, request: ApiRequest, feature: Feature): string {
  const home = homeOf(view, projectOf(request), feature);
  return request.method === 'GET' || request.method === 'HEAD' ? home : entered(request.caller, home);
}

/** Who administers the cluster may put an instance of any project on any host. @throws AppError `invalid` */
export function mustMayTarget(view: View, request: ApiRequest): void {
  if (!request.query.target || request.caller.access === 'admin') return;
  mustBeAllowed(getProject(view, projectOf(request)), 'cluster.target');
}

/** The same routes; a project that is named must exist, and be one that the caller may enter, whatever the route does. */
export function inProjects(view: View, routes: readonly Route[]): readonly Route[] {
  return routes.map(route => ({
    ...route,
    handle: async request => {
      const { project } = request.query;
      // Strangers are not told which projects there are.
      if (project !== undefined && project !== '' && request.caller.access !== 'anyone')
        getProject(view, entered(request.caller, project));
      return withoutOthers(request.caller, await route.handle(request));
    },
  }));
}

/** What other projects use of what all share is nobody's business who may not enter them. */
function withoutOthers(caller: Caller, answer: Answer): Answer {
  if (caller.projects === undefined || answer.kind !== 'sync') return answer;
  const may = (url: string) =>
    mayEnter(caller, new URLSearchParams(url.split('?')[1]).get('project') ?? DEFAULT_PROJECT);
  const trim = (thing: unknown) => {
    const users = (thing as { readonly used_by?: readonly string[] } | null)?.used_by;
    return Array.isArray(users) ? { ...(thing as object), used_by: users.filter(may) } : thing;
  };
  const { metadata } = answer;
  return { ...answer, metadata: Array.isArray(metadata) ? metadata.map(trim) : trim(metadata) };
}

/** Routes of things that are in a project: who may not enter it, or its default when none is named, is told before all else. */
export function withinProjects(routes: readonly Route[]): readonly Route[] {
  return routes.map(route => ({
    ...route,
    handle: request => {
      if (request.caller.access !== 'anyone' && !isTrue(request.query['all-projects'])) projectOf(request);
      return route.handle(request);
    },
  }));
}

function entered(caller: Caller, project: string): string {
  if (!mayEnter(caller, project))
    fail('forbidden', `not authorized: this certificate is restricted to other projects than "${project}"`);
  return project;
}
