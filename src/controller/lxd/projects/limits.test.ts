/** Limits and restrictions of projects: checked on every way in, and with the change itself. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Front, openTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const send = (method: string, path: string, body?: unknown) =>
  api.front.send(method, path, body === undefined ? {} : { body });
const get = async (path: string) => (await send('GET', path)).json.metadata;
const make = async (config: Record<string, string>) => {
  const made = await send('POST', '/1.0/projects', { name: 'p1', config });
  assert.equal(made.status, 201, made.text);
};
const ROOT = { root: { type: 'disk', path: '/', pool: 'default' } };
const wish = (name: string, config = {}, devices = {}) => ({
  name,
  source: { type: 'none' },
  config,
  devices: { ...ROOT, ...devices },
});
const launch = (name: string, config = {}, devices = {}, front: Front = api.front) =>
  front.send('POST', '/1.0/instances?project=p1', { body: wish(name, config, devices) });
const refused = async (sent: Promise<{ status: number; json: { error: string } }>, why: RegExp) => {
  const { status, json } = await sent;
  assert.deepEqual([status, why.test(json.error)], [400, true], json.error);
};
const made = async (name: string, config = {}) => {
  const end = await api.front.run('POST', '/1.0/instances?project=p1', wish(name, config));
  assert.equal(end.status, 'Success', end.err);
};

describe('limits of a project', () => {
  it('are kept when many ask at once, at two front ends', async () => {
    await make({ 'limits.instances': '3' });
    const other = await api.another('c2');
    await other.controller.view.reached(api.front.controller.view.revision);
    const asked = Array.from({ length: 10 }, (_, i) => launch(`c${i}`, {}, {}, i % 2 === 0 ? api.front : other));
    const statuses = (await Promise.all(asked)).map(({ status }) => status).toSorted();
    assert.deepEqual(statuses, [202, 202, 202, 400, 400, 400, 400, 400, 400, 400]);
    await refused(launch('c99'), /"p1" allows limits\.instances 3: this would make it 4/);
  });

  it('count what instances are limited to, also by a profile, on every change', async () => {
    await make({ 'limits.memory': '1GiB' });
    await refused(launch('c1'), /limits\.memory: instance "c1" needs/);
    await refused(launch('c1', { 'limits.memory': '50%' }), /needs a plain limits\.memory/);
    await made('c1', { 'limits.memory': '512MiB' });
    await refused(
      launch('c2', { 'limits.memory': '600MiB' }),
      /allows limits\.memory 1GiB: this would make it 1\.09GiB/,
    );
    await refused(
      send('PATCH', '/1.0/instances/c1?project=p1', { config: { 'limits.memory': '2GiB' } }),
      /limits\.memory/,
    );
    const profile = { config: { 'limits.memory': '256MiB' } };
    assert.equal((await send('PUT', '/1.0/profiles/default?project=p1', profile)).status, 200);
    await made('c2');
    await refused(
      send('PUT', '/1.0/profiles/default?project=p1', { config: { 'limits.memory': '800MiB' } }),
      /limits\.memory/,
    );
    assert.deepEqual((await get('/1.0/profiles/default?project=p1')).config, profile.config, 'and it is as it was');
    await refused(send('PATCH', '/1.0/projects/p1', { config: { 'limits.memory': '512MiB' } }), /make it 768MiB/);
    await refused(
      send('PATCH', '/1.0/projects/p1', { config: { 'limits.cpu': '2' } }),
      /"c1" needs a plain limits\.cpu/,
    );
    const { resources } = await get('/1.0/projects/p1/state');
    assert.deepEqual(resources.memory, { Limit: 2 ** 30, Usage: 768 * 2 ** 20 });
    assert.deepEqual(resources.instances, { Limit: -1, Usage: 2 });
  });

  it('a project into which something came is not deleted at the same moment', async () => {
    await make({});
    const [begun, gone] = await Promise.all([launch('c1'), send('DELETE', '/1.0/projects/p1')]);
    assert.notEqual(begun.status === 202, gone.status === 200, `${begun.text} ${gone.text}`);
  });
});

describe('a restricted project', () => {
  it('refuses what is not allowed, by the instance, its profile, and a copy', async () => {
    await make({ restricted: 'true' });
    await refused(
      launch('c1', { 'security.nesting': 'true' }),
      /security\.nesting is not allowed by restricted\.containers\.nesting/,
    );
    await refused(launch('c1', { 'security.privileged': 'true' }), /restricted\.containers\.privilege/);
    await refused(launch('c1', { 'raw.lxc': 'lxc.loglevel = 1' }), /restricted\.containers\.lowlevel/);
    await refused(
      launch('c1', {}, { d: { type: 'disk', source: '/etc', path: '/x' } }),
      /"d" is not allowed by restricted\.devices\.disk/,
    );
    await refused(
      launch('c1', {}, { e: { type: 'nic', nictype: 'bridged', parent: 'br0' } }),
      /restricted\.devices\.nic/,
    );
    await refused(
      send('PUT', '/1.0/profiles/default?project=p1', { config: { 'security.nesting': 'true' } }),
      /nesting/,
    );
    await refused(send('POST', '/1.0/profiles?project=p1', { name: 'x', config: { 'raw.lxc': 'a = b' } }), /lowlevel/);
    await made('c1');
    await refused(send('PATCH', '/1.0/instances/c1?project=p1', { config: { 'security.nesting': 'true' } }), /nesting/);
    await refused(send('POST', '/1.0/instances/c1/snapshots?project=p1', { name: 's' }), /restricted\.snapshots/);
    const allow = { config: { 'restricted.containers.nesting': 'allow', 'restricted.snapshots': 'allow' } };
    assert.equal((await send('PATCH', '/1.0/projects/p1', allow)).status, 200);
    await made('c2', { 'security.nesting': 'true' });
    await refused(
      send('PATCH', '/1.0/projects/p1', { config: { 'restricted.containers.nesting': 'block' } }),
      /nesting/,
    );
    await refused(
      send('PATCH', '/1.0/projects/p1', { config: { 'restricted.devices.nic': 'sometimes' } }),
      /devices\.nic/,
    );
  });
});
