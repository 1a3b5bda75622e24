/**
 * Builds a path of the API. Every value is percent-encoded as one segment, so that no name escapes its place:
 * at`images/aliases/${'debian/12'}` is /1.0/images/aliases/debian%2F12.
 */
export function at(parts: TemplateStringsArray, ...names: readonly string[]): string {
  return parts.slice(1).reduce((path, part, i) => path + encodeURIComponent(names[i]!) + part, `/1.0/${parts[0]}`);
}

/** Values that are undefined are left out; `true` becomes "true". */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return path;
  const text = new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)])).toString();
  return `${path}${path.includes('?') ? '&' : '?'}${text}`;
}

/** The last segment of a URL or path of the API, decoded: the name of what it points to. */
export function lastSegment(url: string): string {
  const path = url.split('?')[0]!;
  return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1));
}
