import type { Client } from '../api/client.ts';
import { finish } from '../api/operation.ts';
import { at } from '../api/path.ts';
import { type Fields, type Kind, writable } from '../api/update.ts';
import type { Preseed } from './preseed.ts';

/**
 * Brings a server to what a preseed says: makes what is missing, changes what is there. If one part is refused,
 * everything done before is undone, newest first, and the refusal is thrown.
 */
export async function applyPreseed(client: Client, preseed: Preseed): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    if (Object.keys(preseed.config).length > 0)
      await change(client, 'server', '/1.0', { config: preseed.config }, undo);
    for (const network of preseed.networks) await ensure(client, 'network', at`networks`, network, undo);
    for (const pool of preseed.storage_pools) await ensure(client, 'pool', at`storage-pools`, pool, undo);
    for (const profile of preseed.profiles) await ensure(client, 'profile', at`profiles`, profile, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {});
    throw error;
  }
}

type Undo = (() => Promise<unknown>)[];

async function ensure(
  client: Client,
  kind: Kind,
  list: string,
  wanted: Fields & { readonly name: string },
  undo: Undo,
): Promise<void> {
  const path = `${list}/${encodeURIComponent(wanted.name)}`;
  if ((await client.find(path)) !== undefined) return change(client, kind, path, wanted, undo);
  undo.push(async () => finish(client, await client.send('DELETE', path)));
  await finish(client, await client.send('POST', list, { body: wanted }));
}

/** Keys that are not named stay as they are; so does a description that is not given. */
async function change(client: Client, kind: Kind, path: string, wanted: Fields, undo: Undo): Promise<void> {
  const { value, etag } = await client.getTagged<Fields>(path);
  const before = writable(kind, value);
  const after = {
    ...before,
    ...dropEmpty(writable(kind, wanted)),
    config: { ...(before.config as object), ...(wanted.config as object) },
  };
  if (JSON.stringify(after) === JSON.stringify(before)) return;
  undo.push(async () => finish(client, await client.send('PUT', path, { body: before })));
  await finish(client, await client.send('PUT', path, { body: after, etag }));
}

function dropEmpty(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
