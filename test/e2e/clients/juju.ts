/**
 * The calls of Juju's LXD provider in its order, over TLS with the server's certificate pinned, and what it expects of each
 * answer: from adding a credential to removing a machine.
 */
import assert from 'node:assert/strict';
import { request as httpsRequest } from 'node:https';
import { fingerprintOf, type Identity } from '../../../src/kit/certificates.ts';

export interface Reply {
  readonly status: number;
  readonly etag: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  readonly json: any;
}

export type Send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>;

export interface Juju {
  readonly url: string;
  readonly client: Identity;
  readonly password: string;
  readonly image: string;
}

/** @returns how many calls were made. */
export async function replayJuju({ url, client, password, image }: Juju): Promise<number> {
  let calls = 0;
  const sender =
    (pinned?: string): Send =>
    (method, path, body, headers = {}) => {
      calls++;
      return call(`${url}/1.0${path}`, method, body, headers, client, pinned);
    };
  const send = await addCredential(sender, client, password);
  const ended = (begun: Reply) => wait(send, begun);

  // Every connect: the default profile must have a root disk, the pools are looked at.
  assert.ok((await send('GET', '')).json.metadata.api_extensions.includes('storage'));
  const profile = (await send('GET', '/profiles/default')).json.metadata;
  const disks = Object.values<{ path?: string }>(profile.devices).filter(device => device.path === '/');
  assert.equal(disks.length, 1, 'the default profile has a root disk');
  const nics = Object.values<{ type: string }>(profile.devices).filter(device => device.type === 'nic');
  assert.ok(nics.length > 0, 'the default profile has a card');
  assert.ok((await send('GET', '/storage-pools?recursion=1')).json.metadata.length > 0);

  // A model is a profile; a second one of the name is answered with "already exists".
  const model = { name: 'juju-model', config: { 'boot.autostart': 'true', 'security.nesting': 'true' } };
  assert.ok((await send('POST', '/profiles', model)).status < 300);
  assert.match((await send('POST', '/profiles', model)).json.error, /already exists/);
  assert.ok((await send('GET', '/profiles')).json.metadata.includes('/1.0/profiles/juju-model'));

  // Zones are members, and the image has an alias with slashes in it.
  const members = (await send('GET', '/cluster/members?recursion=1')).json.metadata;
  const zones = members.filter((member: { status: string }) => member.status.toLowerCase() === 'online');
  assert.equal(zones.length, 3);
  const alias = encodeURIComponent('juju/ubuntu@22.04/amd64');
  assert.match((await send('GET', `/images/aliases/${alias}`)).json.error, /not found/i);
  const made = await send('POST', '/images/aliases', { name: 'juju/ubuntu@22.04/amd64', target: image });
  assert.ok(made.status < 300, made.json.error);
  const target = (await send('GET', `/images/aliases/${alias}`)).json.metadata.target;
  assert.equal((await send('GET', `/images/${target}`)).json.metadata.fingerprint, image);

  await runMachine(send, ended, zones[1].server_name, target);
  assert.ok((await send('DELETE', '/profiles/juju-model')).status < 300);
  await send('DELETE', `/images/aliases/${alias}`);
  await storage(send);
  return calls;
}

async function addCredential(sender: (pinned?: string) => Send, client: Identity, password: string): Promise<Send> {
  const stranger = sender();
  assert.ok((await stranger('GET', `/certificates/${fingerprintOf(client.cert)}`)).status >= 400);
  const certificate = client.cert.replace(/-----[^-]+-----|\s/g, '');
  const wrong = await stranger('POST', '/certificates', { name: 'juju', type: 'client', certificate, password: 'x' });
  assert.equal(wrong.status, 403);
  assert.match(wrong.json.error, /not authorized/);
  const added = await stranger('POST', '/certificates', { name: 'juju', type: 'client', certificate, password });
  assert.ok(added.status < 300, added.json.error);
  const { environment, auth } = (await stranger('GET', '')).json.metadata;
  assert.equal(auth, 'trusted');
  assert.match(environment.server_version, /^[5-9]\.\d+/);
  assert.equal(environment.server_clustered, true);
  assert.ok(environment.server_name && environment.kernel_architecture && environment.architectures.length > 0);
  return sender(environment.certificate);
}

async function runMachine(
  send: Send,
  ended: (begun: Reply) => Promise<void>,
  zone: string,
  fingerprint: string,
): Promise<void> {
  const name = 'juju-0c0ffe-0';
  const machine = {
    name,
    type: 'container',
    architecture: 'x86_64',
    profiles: ['default', 'juju-model'],
    config: {
      'user.user-data': '#cloud-config\n',
      'user.juju-model': 'm',
      'limits.cpu': '1',
      'limits.memory': '128MiB',
    },
    devices: {},
    source: { type: 'image', fingerprint },
  };
  await ended(await send('POST', `/instances?target=${zone}`, machine));
  await ended(await send('PUT', `/instances/${name}/state`, { action: 'start', timeout: -1, force: false }));
  const instance = (await send('GET', `/instances/${name}`)).json.metadata;
  assert.equal(instance.status_code, 103);
  assert.equal(instance.location, zone);
  assert.equal(instance.architecture, 'x86_64');
  assert.deepEqual(instance.profiles, machine.profiles);
  assert.equal(instance.config['user.juju-model'], 'm');
  const again = await send('POST', `/instances?target=${zone}`, machine);
  const refusal =
    again.status === 202 ? (await send('GET', `${path(again)}/wait`)).json.metadata.err : again.json.error;
  assert.match(refusal, /already exists/);

  const listed = (await send('GET', '/instances?recursion=1')).json.metadata;
  assert.ok(listed.some((each: { name: string; status: string }) => each.name === name && each.status === 'Running'));
  const deadline = performance.now() + 20_000;
  for (;;) {
    const state = (await send('GET', `/instances/${name}/state`)).json.metadata;
    const addresses = Object.entries<{ addresses: { scope: string }[] }>(state.network ?? {})
      .filter(([nic]) => nic !== 'lo')
      .flatMap(([, nic]) => nic.addresses.filter(({ scope }) => scope === 'global'));
    if (addresses.length > 0) break;
    assert.ok(performance.now() < deadline, 'the machine has an address');
    await new Promise(resolve => setTimeout(resolve, 200));
  }

  // A charm's profile comes and goes; then the machine is stopped by force, under the ETag of its state, and removed.
  assert.ok((await send('POST', '/profiles', { name: 'juju-charm', config: { 'user.charm': 'x' } })).status < 300);
  const before = await send('GET', `/instances/${name}`);
  const charmed = { ...before.json.metadata, profiles: [...machine.profiles, 'juju-charm'] };
  await ended(await send('PUT', `/instances/${name}`, charmed, { 'if-match': before.etag }));
  assert.equal((await send('GET', `/instances/${name}`)).json.metadata.expanded_config['user.charm'], 'x');
  const state = await send('GET', `/instances/${name}/state`);
  assert.notEqual(state.etag, '');
  const stop = { action: 'stop', timeout: -1, force: true };
  await ended(await send('PUT', `/instances/${name}/state`, stop, { 'if-match': state.etag }));
  await ended(await send('DELETE', `/instances/${name}`));
  assert.match((await send('DELETE', `/instances/${name}`)).json.error, /not found/i);
  assert.ok((await send('DELETE', '/profiles/juju-charm')).status < 300);
}

async function storage(send: Send): Promise<void> {
  const [pool] = (await send('GET', '/storage-pools?recursion=1')).json.metadata;
  assert.ok(['dir', 'btrfs'].includes(pool.driver));
  for (const network of (await send('GET', '/networks?recursion=1')).json.metadata) {
    assert.equal(network.type, 'bridge');
    assert.equal((await send('GET', `/networks/${network.name}/state`)).json.metadata.state, 'up');
  }
}

const path = (begun: Reply): string => String(begun.json.operation).replace('/1.0', '');

async function wait(send: Send, begun: Reply): Promise<void> {
  assert.equal(begun.status, 202, begun.json.error);
  const { metadata } = (await send('GET', `${path(begun)}/wait`)).json;
  assert.equal(metadata.status, 'Success', metadata.err);
}

function call(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string>,
  client: Identity,
  pinned: string | undefined,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const trust = pinned === undefined ? { rejectUnauthorized: false } : { ca: pinned };
    const request = httpsRequest(url, { method, headers, agent: false, ...client, ...trust }, async response => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const json = JSON.parse(Buffer.concat(chunks).toString());
      resolve({ status: response.statusCode!, etag: response.headers.etag ?? '', json });
    });
    request.once('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
