/** How LXD shows lists: URLs, or the objects themselves with `recursion=1`, either way filtered. */
import { DEFAULT_PROJECT } from '../../domain/project.ts';
import { type Answer, sync } from '../http/answer.ts';
import { parseFilter } from '../http/filter.ts';
import { type ApiRequest, recursion } from '../http/request.ts';

export function list<T>(
  request: ApiRequest,
  things: readonly T[],
  url: (thing: T) => string,
  render: (thing: T) => unknown,
): Answer {
  const takes = parseFilter(request.query.filter);
  const isFiltered = (request.query.filter ?? '').trim() !== '';
  const shown = isFiltered ? things.filter(thing => takes(render(thing))) : things;
  return sync(recursion(request) === 0 ? shown.map(url) : shown.map(render));
}

/** Of what is in a project: LXD names it where it is not `default`. */
export function projectUrl(project: string, ...segments: readonly string[]): string {
  const url = urlOf(...segments);
  return project === DEFAULT_PROJECT ? url : `${url}?project=${encodeURIComponent(project)}`;
}

export const urlOf = (...segments: readonly string[]): string =>
  `/1.0/${segments.map(segment => encodeURIComponent(segment)).join('/')}`;
