import type { Remotes } from './remote.ts';
import { getRemote } from './remote.ts';

/** `remote:name` as the user typed it. An empty name means the remote itself. */
export interface Reference {
  readonly remote: string;
  readonly name: string;
}

/** Without a colon the default remote is meant; an unknown remote is refused. */
export function parseReference(text: string, config: Remotes): Reference {
  const colon = text.indexOf(':');
  if (colon === -1) return { remote: config.defaultRemote, name: text };
  const remote = text.slice(0, colon);
  getRemote(config, remote);
  return { remote, name: text.slice(colon + 1) };
}

/** How a reference is shown and typed again: without the remote where that is the default. */
export function formatReference({ remote, name }: Reference, config: Remotes): string {
  return remote === config.defaultRemote ? name : `${remote}:${name}`;
}

/**
 * For commands whose first argument may be a remote, a name, or missing: `list r:`, `list web`, `list r: web`. Only a
 * trailing colon makes it a remote.
 */
export function splitRemote(
  words: readonly string[],
  config: Remotes,
): { readonly remote: string; readonly rest: readonly string[] } {
  const [first, ...rest] = words;
  if (first === undefined || !first.includes(':')) return { remote: config.defaultRemote, rest: words };
  const { remote, name } = parseReference(first, config);
  return { remote, rest: name === '' ? rest : [name, ...rest] };
}
