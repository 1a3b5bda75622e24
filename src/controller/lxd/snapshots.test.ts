/** Snapshots, stateful stops and copies as lxc and pylxd ask for them. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SNAPSHOTS } from '../spaces.ts';
import { IMAGE, openTestApi, type TestApi } from './testing/test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
  await run('POST', '/1.0/instances', { name: 'c1', source: { type: 'image', fingerprint: IMAGE } });
});
afterEach(() => api.close());

const ZERO = '0001-01-01T00:00:00Z';
const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.front.send(method, path, { ...(body === undefined ? {} : { body }), ...(headers ? { headers } : {}) });
const run = async (method: string, path: string, body?: unknown) => {
  const operation = await api.front.run(method, path, body);
  assert.equal(operation.status, 'Success', operation.err);
  return operation;
};
const get = async (path: string) => (await send('GET', path)).json.metadata;
const snapshot = (more: object = {}) =>
  run('POST', '/1.0/instances/c1/snapshots', { name: '', stateful: false, expires_at: null, ...more });
const power = (action: string, stateful: boolean) =>
  run('PUT', '/1.0/instances/c1/state', { action, force: false, timeout: -1, stateful });
const host = async () => api.cluster.world.host((await get('/1.0/instances/c1')).location);
const onHost = async (name: string) =>
  [...(await host()).instances.values()].find(({ spec }) => spec.name === name) ?? assert.fail(`no ${name}`);

describe('snapshots', () => {
  it('are made, named by themselves, listed and shown', async () => {
    const made = await snapshot();
    assert.deepEqual(made.resources.instances_snapshots, ['/1.0/instances/c1/snapshots/snap0']);
    assert.equal(made.description, 'Snapshotting instance');
    await snapshot();
    await snapshot({ name: 'mine', expires_at: '2040-01-01T00:00:00Z' });
    const path = '/1.0/instances/c1/snapshots';
    assert.deepEqual(await get(path), [`${path}/snap0`, `${path}/snap1`, `${path}/mine`]);
    const [first, , mine] = await get(`${path}?recursion=1`);
    assert.deepEqual([first.name, first.stateful, first.expires_at], ['snap0', false, ZERO]);
    assert.equal(mine.expires_at, '2040-01-01T00:00:00.000Z');
    assert.equal(first.config['volatile.base_image'], IMAGE);
    assert.equal(first.expanded_devices.root.pool, 'default');
    assert.equal((await get(`${path}/mine`)).created_at, mine.created_at);
    assert.equal((await get('/1.0/instances?recursion=2'))[0].snapshots.length, 3);
    assert.equal((await get('/1.0/instances/c1?recursion=1')).snapshots.length, 3);
    assert.equal((await get('/1.0/containers/c1/snapshots'))[0], '/1.0/containers/c1/snapshots/snap0');
  });

  it('are refused in words', async () => {
    await snapshot({ name: 's1' });
    const refused = async (method: string, path: string, body: object) => (await send(method, path, body)).json;
    const post = (body: object) => refused('POST', '/1.0/instances/c1/snapshots', body);
    assert.deepEqual([(await post({ name: 's1' })).error_code, (await post({ name: 'a/b' })).error_code], [409, 400]);
    assert.match((await post({ name: 's2', stateful: true })).error, /isn't running/);
    assert.equal((await post({ name: 's2', expires_at: 'soon' })).error_code, 400);
    assert.equal((await send('GET', '/1.0/instances/c1/snapshots/none')).status, 404);
    assert.equal((await send('DELETE', '/1.0/instances/c1/snapshots/none')).status, 404);
    const restore = (body: object) => refused('PUT', '/1.0/instances/c1', body);
    assert.equal((await restore({ restore: 'none' })).error_code, 404);
    assert.match((await restore({ restore: 'c2/s1' })).error, /not a snapshot of "c1"/);
    assert.match((await restore({ restore: 's1', stateful: true })).error, /no memory and processes/);
  });

  it('are not left behind by a move that asks for it', async () => {
    await snapshot({ name: 's1' });
    const { location } = await get('/1.0/instances/c1');
    const path = `/1.0/instances/c1?target=${location === 'n1' ? 'n2' : 'n1'}`;
    const body = { name: 'c1', migration: true, live: true };
    assert.match((await send('POST', path, { ...body, instance_only: true })).json.error, /move with their instance/);
    await run('POST', path, body);
    assert.equal((await onHost('c1')).snapshots.size, 1);
  });

  it('follow the keys of the instance: pattern and expiry', async () => {
    const config = { 'snapshots.pattern': 'day%d', 'snapshots.expiry': '1d' };
    await run('PATCH', '/1.0/instances/c1', { config });
    await snapshot();
    await snapshot({ expires_at: ZERO });
    const [first, second] = await get('/1.0/instances/c1/snapshots?recursion=1');
    assert.deepEqual([first.name, second.name, second.expires_at], ['day0', 'day1', ZERO]);
    assert.equal(Date.parse(first.expires_at) - Date.parse(first.created_at), 86_400_000);
    assert.equal((await send('PATCH', '/1.0/instances/c1', { config: { 'snapshots.expiry': '1h' } })).status, 400);
  });

  it('are renamed, given another end, and deleted', async () => {
    await snapshot({ name: 's1' });
    await snapshot({ name: 's2' });
    const taken = await send('POST', '/1.0/instances/c1/snapshots/s1', { name: 's2' });
    assert.equal(taken.status, 409);
    await run('POST', '/1.0/instances/c1/snapshots/s1', { name: 's3', migration: false });
    const { headers } = await send('GET', '/1.0/instances/c1/snapshots/s3');
    await run('PUT', '/1.0/instances/c1/snapshots/s3', { expires_at: '2041-01-01T00:00:00Z' });
    const stale = await send(
      'PUT',
      '/1.0/instances/c1/snapshots/s3',
      { expires_at: null },
      { 'if-match': headers.etag! },
    );
    assert.equal(stale.status, 412);
    assert.match((await get('/1.0/instances/c1/snapshots/s3')).expires_at, /^2041/);
    await run('DELETE', '/1.0/instances/c1/snapshots/s2');
    assert.deepEqual(await get('/1.0/instances/c1/snapshots'), ['/1.0/instances/c1/snapshots/s3']);
    assert.equal((await onHost('c1')).snapshots.size, 1);
  });

  it('are restored: disk and configuration, and nothing that was sent besides', async () => {
    await run('PATCH', '/1.0/instances/c1', { config: { 'user.a': 'then' }, description: 'then' });
    await snapshot({ name: 's1' });
    await run('PATCH', '/1.0/instances/c1', { config: { 'user.a': 'now', 'user.b': 'now' }, description: 'now' });
    (await host()).set((await onHost('c1')).spec.id, { content: 'now' });
    await power('start', false);
    await run('PUT', '/1.0/instances/c1', { restore: 'c1/s1', stateful: false, config: { 'user.c': 'x' } });
    const { config, description, status } = await get('/1.0/instances/c1');
    assert.deepEqual(
      [config['user.a'], config['user.b'], config['user.c'], description, status],
      ['then', undefined, undefined, 'then', 'Running'],
    );
    const { content, snapshots } = await onHost('c1');
    assert.deepEqual([content, snapshots.size], ['as made', 1]);
  });

  it('go with the instance when it is renamed, and when it is deleted', async () => {
    await snapshot({ name: 's1' });
    await run('POST', '/1.0/instances/c1', { name: 'c9', migration: false });
    assert.deepEqual(await get('/1.0/instances/c9/snapshots'), ['/1.0/instances/c9/snapshots/s1']);
    await run('DELETE', '/1.0/instances/c9');
    assert.equal((await send('GET', '/1.0/instances/c9/snapshots')).status, 404);
    assert.equal(api.cluster.view.list(SNAPSHOTS).length, 0);
  });
});

describe('stateful', () => {
  it('stop and start: said in the instance, and only where it makes sense', async () => {
    assert.match(
      (await send('PUT', '/1.0/instances/c1/state', { action: 'start', stateful: true })).json.error,
      /state/,
    );
    await power('start', false);
    await power('stop', true);
    const stopped = await get('/1.0/instances/c1');
    assert.deepEqual([stopped.status, stopped.stateful], ['Stopped', true]);
    await power('start', true);
    assert.equal((await get('/1.0/instances/c1')).stateful, false);
    await power('stop', true);
    await power('start', false);
    assert.equal((await get('/1.0/instances/c1')).stateful, false);
  });

  it('snapshots bring back what ran', async () => {
    await power('start', false);
    await snapshot({ name: 's1', stateful: true });
    await power('stop', false);
    await run('PUT', '/1.0/instances/c1', { restore: 's1', stateful: true });
    assert.equal((await get('/1.0/instances/c1')).status, 'Running');
    assert.equal((await get('/1.0/instances/c1/snapshots/s1')).stateful, true);
  });
});

describe('copies', () => {
  const copy = (name: string, source: object, query = '') =>
    run('POST', `/1.0/instances${query}`, { name, profiles: null, config: {}, source: { type: 'copy', ...source } });

  it('are like the original but for what makes it one of a kind', async () => {
    await run('PATCH', '/1.0/instances/c1', { config: { 'user.a': '1', 'limits.memory': '64MiB' } });
    await snapshot({ name: 's1' });
    await copy('c2', { source: 'c1', live: true });
    const [one, two] = [await get('/1.0/instances/c1'), await get('/1.0/instances/c2')];
    assert.deepEqual([two.config['user.a'], two.config['limits.memory'], two.status], ['1', '64MiB', 'Stopped']);
    assert.equal(two.config['volatile.base_image'], IMAGE);
    assert.equal(two.location, one.location);
    for (const key of ['volatile.uuid', 'volatile.eth0.hwaddr', 'volatile.eth0.ipv4.address'])
      assert.notEqual(two.config[key], one.config[key], key);
    assert.deepEqual(await get('/1.0/instances/c2/snapshots'), ['/1.0/instances/c2/snapshots/s1']);
    await copy('c3', { source: 'c1', instance_only: true });
    assert.deepEqual(await get('/1.0/instances/c3/snapshots'), []);
  });

  it('of a snapshot are as it was, also on another host', async () => {
    await run('PATCH', '/1.0/instances/c1', { config: { 'user.a': 'then' } });
    await snapshot({ name: 's1' });
    await run('PATCH', '/1.0/instances/c1', { config: { 'user.a': 'now' } });
    const { location } = await get('/1.0/instances/c1');
    const other = location === 'n1' ? 'n2' : 'n1';
    await copy('c2', { source: 'c1/s1' }, `?target=${other}`);
    const made = await get('/1.0/instances/c2');
    assert.deepEqual([made.config['user.a'], made.location], ['then', other]);
  });

  it('are refused in words', async () => {
    const error = async (name: string, source: object) =>
      (await send('POST', '/1.0/instances', { name, source: { type: 'copy', ...source } })).json;
    assert.equal((await error('c1', { source: 'c1' })).error_code, 409);
    assert.equal((await error('c2', { source: 'none' })).error_code, 404);
    assert.equal((await error('c2', { source: 'c1/none' })).error_code, 404);
    assert.equal((await error('c2', { source: '' })).error_code, 400);
    assert.match((await error('c2', { source: 'c1', refresh: true })).error, /Refreshing/);
  });
});
