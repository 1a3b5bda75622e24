/** How LXD shows lists: URLs, or the objects themselves with `recursion=1`, either way filtered. */
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

export const urlOf = (...segments: readonly string[]): string =>
  `/1.0/${segments.map(segment => encodeURIComponent(segment)).join('/')}`;
