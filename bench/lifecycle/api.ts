/** The life of an instance over the REST API, each call until it is really done. */
import type { Client } from '../../src/cli/api/client.ts';
import { finish } from '../../src/cli/api/operation.ts';
import { at } from '../../src/cli/api/path.ts';

export async function create(api: Client, name: string, image: string): Promise<void> {
  const body = { name, type: 'container', source: { type: 'image', alias: image } };
  await finish(api, await api.send('POST', at`instances`, { body }));
}

export async function changeState(api: Client, name: string, action: 'start' | 'stop'): Promise<void> {
  const body = { action, timeout: -1, force: action === 'stop' };
  await finish(api, await api.send('PUT', at`instances/${name}/state`, { body }));
}

export async function launch(api: Client, name: string, image: string): Promise<void> {
  await create(api, name, image);
  await changeState(api, name, 'start');
}

export async function remove(api: Client, name: string): Promise<void> {
  await finish(api, await api.send('DELETE', at`instances/${name}`));
}
