/** Projects: names of their own, profiles of their own or those of `default`, and callers that are kept to theirs. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Identity } from '../../../kit/certificates.ts';
import { openTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const send = (method: string, path: string, body?: unknown, as?: Identity) =>
  api.front.send(method, path, body === undefined ? {} : { body }, as);
const get = async (path: string) => (await send('GET', path)).json.metadata;
const make = async (name: string, config = {}) => {
  const made = await send('POST', '/1.0/projects', { name, config });
  assert.equal(made.status, 201, made.text);
};
const launch = (project: string, name: string) =>
  api.front.run('POST', `/1.0/instances?project=${project}`, {
    name,
    source: { type: 'none' },
    devices: { root: { type: 'disk', path: '/', pool: 'default' } },
  });

describe('a project', () => {
  it('has instances under names of its own, listed with their project', async () => {
    await make('p1');
    for (const project of ['default', 'p1']) {
      const made = await launch(project, 'c1');
      assert.equal(made.status, 'Success', made.err);
    }
    assert.deepEqual(await get('/1.0/instances?project=p1'), ['/1.0/instances/c1?project=p1']);
    const all = await get('/1.0/instances?all-projects=true&recursion=1');
    assert.deepEqual(
      all.map((each: { name: string; project: string }) => [each.project, each.name]),
      [
        ['default', 'c1'],
        ['p1', 'c1'],
      ],
    );
    assert.equal((await send('GET', '/1.0/instances?all-projects=true&project=p1')).status, 400);
    assert.equal((await send('GET', '/1.0/instances?project=p9')).status, 404);
    assert.match((await send('DELETE', '/1.0/projects/p1')).json.error, /Only empty projects/);
  });

  it('has a default profile of its own, or the one of default', async () => {
    await make('own');
    await make('shared', { 'features.profiles': 'false' });
    assert.deepEqual(await get('/1.0/profiles?project=own'), ['/1.0/profiles/default']);
    await send('POST', '/1.0/profiles', { name: 'big' });
    assert.deepEqual(await get('/1.0/profiles?project=own'), ['/1.0/profiles/default']);
    assert.deepEqual(await get('/1.0/profiles?project=shared'), ['/1.0/profiles/big', '/1.0/profiles/default']);
    assert.equal((await launch('shared', 'c1')).status, 'Success');
    const { used_by } = await get('/1.0/profiles/default');
    assert.deepEqual(used_by, ['/1.0/instances/c1?project=shared']);
  });

  it('is edited, renamed while it is empty, and deleted; default stays', async () => {
    await make('p1');
    const put = { description: 'ours', config: { ...(await get('/1.0/projects/p1')).config, 'user.x': '1' } };
    assert.equal((await send('PUT', '/1.0/projects/p1', put)).status, 200);
    const { description, config } = await get('/1.0/projects/p1');
    assert.deepEqual([description, config['user.x'], config['features.networks']], ['ours', '1', undefined]);
    assert.equal((await api.front.run('POST', '/1.0/projects/p1', { name: 'p2' })).status, 'Success');
    assert.deepEqual(await get('/1.0/projects'), ['/1.0/projects/default', '/1.0/projects/p2']);
    assert.equal((await send('DELETE', '/1.0/projects/p2')).status, 200);
    assert.deepEqual(await get('/1.0/profiles?project=default'), ['/1.0/profiles/default']);
    assert.equal((await send('DELETE', '/1.0/projects/default')).status, 403);
    assert.equal((await send('POST', '/1.0/projects', { name: 'default' })).status, 409);
    for (const bad of [{ 'limits.networks': '1' }, { 'features.networks': 'true' }, { nonsense: '1' }])
      assert.equal((await send('POST', '/1.0/projects', { name: 'p3', config: bad })).status, 400);
  });

  it('is all that a restricted certificate sees', async () => {
    await make('p1');
    await make('shared', { 'features.profiles': 'false' });
    const client = await api.client();
    const der = client.cert.replace(/-----[A-Z ]+-----|\s/g, '');
    const sent = { type: 'client', name: 'x', certificate: der, restricted: true, projects: ['p1', 'shared'] };
    assert.equal((await send('POST', '/1.0/certificates', sent)).status, 201);
    const status = async (method: string, path: string, body?: unknown) =>
      (await send(method, path, body, client)).status;
    const made = await launch('default', 'c1');
    assert.deepEqual((await send('GET', '/1.0/projects', undefined, client)).json.metadata, [
      '/1.0/projects/p1',
      '/1.0/projects/shared',
    ]);
    assert.deepEqual((await send('GET', '/1.0/instances?all-projects=true', undefined, client)).json.metadata, []);
    assert.equal(await status('GET', '/1.0/instances'), 403);
    assert.equal(await status('GET', '/1.0/instances?project=p1'), 200);
    assert.equal(await status('GET', '/1.0/projects/default'), 404);
    assert.equal(await status('GET', `/1.0/operations/${made.id}`), 404);
    assert.equal(await status('GET', `/1.0/operations/${made.id}/wait`), 404);
    assert.equal(await status('DELETE', `/1.0/operations/${made.id}`), 404);
    assert.equal(await status('POST', '/1.0/projects', { name: 'p9' }), 403);
    await send('PUT', '/1.0', { config: { 'user.secret': 'x' } });
    assert.deepEqual((await send('GET', '/1.0', undefined, client)).json.metadata.config, {});
    const other = { ...sent, certificate: (await api.client()).cert };
    assert.equal((await send('POST', '/1.0/certificates', other)).status, 201);
    assert.equal((await send('GET', '/1.0/certificates', undefined, client)).json.metadata.length, 1);
    const users = async (path: string) => (await send('GET', path, undefined, client)).json.metadata.used_by;
    await launch('shared', 'c2');
    assert.deepEqual(await users('/1.0/profiles/default?project=shared'), ['/1.0/instances/c2?project=shared']);
    assert.deepEqual(await users('/1.0/storage-pools/default'), ['/1.0/instances/c2?project=shared']);
    assert.equal((await get('/1.0/storage-pools/default')).used_by.length, 3); // and the profile
    assert.equal(await status('PATCH', '/1.0/profiles/default?project=shared', { description: 'x' }), 403);
  });
});
