import type { Session } from '../session.ts';
import type { Client } from './client.ts';
import type { Query } from './path.ts';

/** What a PUT of each kind of thing may carry; the rest is the server's. */
const WRITABLE = {
  instance: ['architecture', 'config', 'devices', 'ephemeral', 'profiles', 'stateful', 'description'],
  profile: ['config', 'description', 'devices'],
  image: ['auto_update', 'properties', 'public', 'expires_at', 'profiles'],
  pool: ['config', 'description'],
  volume: ['config', 'description', 'expires_at'],
  network: ['config', 'description'],
  forward: ['description', 'config', 'ports'],
  group: ['description', 'members'],
  member: ['roles', 'failure_domain', 'description', 'config', 'groups'],
  project: ['config', 'description'],
  certificate: ['name', 'type', 'restricted', 'projects', 'certificate'],
  server: ['config'],
} as const;

export type Kind = keyof typeof WRITABLE;
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads, changes and writes back, and is refused if somebody else changed it in between. Nothing is sent when the change
 * changes nothing.
 */
export async function update(
  session: Session,
  client: Client,
  kind: Kind,
  path: string,
  change: (before: Fields) => Fields | Promise<Fields>,
  query: Query = {},
): Promise<void> {
  const { value, etag } = await client.getTagged<Fields>(path, query);
  const before = writable(kind, value);
  const after = await change(before);
  if (JSON.stringify(after) === JSON.stringify(before)) return;
  await session.perform(client, 'Updating', () => client.send('PUT', path, { query, body: after, etag }));
}

/** The part of a thing that its owner may change, in the server's order. */
export function writable(kind: Kind, value: Fields): Fields {
  const keys: readonly string[] = WRITABLE[kind];
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));
}
