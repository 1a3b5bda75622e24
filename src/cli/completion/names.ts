import type { Client } from '../api/client.ts';
import { at, lastSegment } from '../api/path.ts';
import type { Session } from '../session.ts';

/** Where the names of each noun come from; a noun that is missing here is free text, or a file. */
const LISTS: Readonly<Record<string, string>> = {
  instance: at`instances`,
  image: at`images/aliases`,
  alias: at`images/aliases`,
  profile: at`profiles`,
  pool: at`storage-pools`,
  network: at`networks`,
  host: at`cluster/members`,
  project: at`projects`,
};

/** The names that a noun may stand for, of the remote that is already typed; and the remotes themselves. */
export async function namesFor(session: Session, noun: string, typed: string): Promise<readonly string[]> {
  const { remotes, defaultRemote } = await session.remotes();
  const withColon = Object.keys(remotes).map(name => `${name}:`);
  if (noun === 'remote') return Object.keys(remotes);
  if (noun === 'remote:') return withColon;
  const list = LISTS[noun];
  if (list === undefined) return [];
  const colon = typed.indexOf(':');
  const remote = colon === -1 ? defaultRemote : typed.slice(0, colon);
  const names = await namesOf(await session.client(remote), list);
  return colon === -1 ? [...names, ...withColon] : names.map(name => `${remote}:${name}`);
}

async function namesOf(client: Client, list: string): Promise<readonly string[]> {
  const urls = await client.get<readonly string[]>(list);
  return urls.map(lastSegment);
}
