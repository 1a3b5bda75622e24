/** Instances as lxc, pylxd, Ansible and Juju handle them. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { IMAGE, openTestApi, type TestApi } from './testing/test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const source = { type: 'image', fingerprint: IMAGE };
const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.front.send(method, path, { ...(body === undefined ? {} : { body }), ...(headers ? { headers } : {}) });
const run = async (method: string, path: string, body?: unknown) => {
  const operation = await api.front.run(method, path, body);
  assert.equal(operation.status, 'Success', operation.err);
  return operation;
};
const get = async (path: string) => (await send('GET', path)).json.metadata;
const make = (name: string, more: object = {}) => run('POST', '/1.0/instances', { name, source, ...more });
const power = (name: string, action: string, force = false) =>
  run('PUT', `/1.0/instances/${name}/state`, { action, force, timeout: -1, stateful: false });

describe('an instance', () => {
  it('is made with what lxc sends: null profiles, empty architecture and type, an image by fingerprint', async () => {
    const lxc = { architecture: '', config: {}, devices: {}, ephemeral: false, profiles: null, description: '' };
    await make('c1', { ...lxc, stateful: false, type: 'container', instance_type: '' });
    const shown = await get('/1.0/instances/c1');
    assert.deepEqual(
      [shown.status, shown.status_code, shown.type, shown.project, shown.profiles],
      ['Stopped', 102, 'container', 'default', ['default']],
    );
    assert.match(shown.location, /^n[12]$/);
    assert.equal(shown.config['volatile.base_image'], IMAGE);
    assert.equal(shown.config['image.os'], 'busybox');
    assert.equal(shown.expanded_devices.root.pool, 'default');
    assert.deepEqual([shown.devices, shown.stateful], [{}, false]);
    assert.equal(shown.last_used_at, '0001-01-01T00:00:00Z');
    assert.equal((await get('/1.0/instances/c1?recursion=1')).state.network, null);
  });

  it('that is given no name gets one, which the operation tells', async () => {
    const { resources } = await make('');
    const name = resources.instances![0]!.split('/').at(-1)!;
    assert.equal((await get(`/1.0/instances/${name}`)).name, name);
  });

  it('is the same under the old paths, and its lists say so', async () => {
    await run('POST', '/1.0/containers', { name: 'c1', source });
    assert.deepEqual(await get('/1.0/containers'), ['/1.0/containers/c1']);
    assert.deepEqual(await get('/1.0/instances'), ['/1.0/instances/c1']);
    assert.deepEqual(await get('/1.0/virtual-machines'), []);
    assert.equal((await get('/1.0/containers/c1')).name, 'c1');
    await run('PUT', '/1.0/containers/c1/state', { action: 'start', timeout: 30, force: true });
    assert.equal((await get('/1.0/containers/c1')).status, 'Running');
  });

  it('goes through the states that Ansible knows', async () => {
    await make('c1');
    const status = async () => (await get('/1.0/instances/c1')).status;
    await power('c1', 'start');
    assert.equal(await status(), 'Running');
    await power('c1', 'freeze');
    assert.equal(await status(), 'Frozen');
    await power('c1', 'unfreeze');
    assert.equal(await status(), 'Running');
    await power('c1', 'restart');
    await power('c1', 'stop', true);
    assert.equal(await status(), 'Stopped');
    const again = await send('PUT', '/1.0/instances/c1/state', { action: 'stop' });
    assert.deepEqual([again.status, again.json.error], [400, 'The instance is already stopped']);
    const odd = await send('PUT', '/1.0/instances/c1/state', { action: 'explode' });
    assert.match(odd.json.error, /"action"/);
  });

  it('is started and stopped with all the others, and those that refuse are named', async () => {
    for (const name of ['c1', 'c2', 'c3']) await make(name);
    await power('c2', 'start');
    const all = (action: string) => ({ state: { action, timeout: -1, force: true, stateful: false } });
    const { resources } = await run('PUT', '/1.0/instances', all('start'));
    assert.deepEqual(resources.instances, ['/1.0/instances/c1', '/1.0/instances/c3']); // c2 runs already
    const statuses = async () =>
      (await get('/1.0/instances?recursion=1')).map((each: { status: string }) => each.status);
    assert.deepEqual(await statuses(), ['Running', 'Running', 'Running']);
    await run('PUT', '/1.0/instances', all('freeze'));
    await run('PUT', '/1.0/containers', all('start')); // frozen ones go on
    await run('PUT', '/1.0/instances', all('stop'));
    await make('c4', { config: { 'user.start': 'fails' } });
    const failed = await api.front.run('PUT', '/1.0/instances', all('start'));
    assert.equal(failed.status, 'Failure');
    assert.match(failed.err, /^Some instances were not changed: c4: init is missing$/);
    const odd = await send('PUT', '/1.0/instances', { state: { action: 'explode' } });
    assert.deepEqual([odd.status, /"state.action"/.test(odd.json.error)], [400, true]);
  });

  it('is made of a type, as in c2-m4', async () => {
    await make('c1', { instance_type: 'c2-m1', config: { 'limits.memory': '256MiB' } });
    const { config } = await get('/1.0/instances/c1');
    assert.deepEqual([config['limits.cpu'], config['limits.memory']], ['2', '256MiB']);
    const odd = await send('POST', '/1.0/instances', { name: 'c2', source, instance_type: 't2.micro' });
    assert.deepEqual([odd.status, /"instance_type"/.test(odd.json.error)], [400, true]);
  });

  it('moves and is renamed in one go, when it is stopped', async () => {
    await run('POST', '/1.0/instances?target=n1', { name: 'c1', source });
    await make('c2');
    const wish = { name: 'c9', migration: true, live: true };
    const taken = await send('POST', '/1.0/instances/c1?target=n2', { ...wish, name: 'c2' });
    assert.equal(taken.status, 409);
    await run('POST', '/1.0/instances/c1?target=n2', wish);
    assert.equal((await get('/1.0/instances/c9')).location, 'n2');
    assert.equal((await send('GET', '/1.0/instances/c1')).status, 404);
    await power('c9', 'start');
    const runs = await send('POST', '/1.0/instances/c9?target=n1', { ...wish, name: 'c1' });
    assert.match(runs.json.error, /running instance/);
  });

  it('is listed with as much as is asked for, and filtered with what lxc list sends', async () => {
    await make('web-1');
    await make('db-1', { config: { 'user.role': 'db' } });
    await power('web-1', 'start');
    const full = await get('/1.0/instances?filter=&recursion=2');
    assert.deepEqual(
      full.map((each: { name: string }) => each.name),
      ['db-1', 'web-1'],
    );
    assert.equal(full[1].state.status, 'Running');
    assert.deepEqual([full[0].state.network, full[0].snapshots, full[0].backups], [null, [], []]);
    const plain = await get('/1.0/instances?recursion=1&filter=status+eq+running+and+type+eq+container');
    assert.deepEqual(
      plain.map((each: { name: string }) => each.name),
      ['web-1'],
    );
    assert.equal(plain[0].state, undefined);
    assert.deepEqual(await get('/1.0/instances?filter=config.user.role+eq+db'), ['/1.0/instances/db-1']);
    assert.equal((await get('/1.0/instances?all-projects=true&filter=&recursion=2')).length, 2);
  });

  it('is changed by whole, guarded by its ETag, and by part', async () => {
    await make('c1', { config: { 'user.a': '1' } });
    const { headers, json } = await send('GET', '/1.0/instances/c1');
    // pylxd sends back all that it knows
    const whole = { ...json.metadata, config: { ...json.metadata.config, 'limits.memory': '64MiB' } };
    const changed = await send('PUT', '/1.0/instances/c1', whole, { 'if-match': headers.etag! });
    assert.equal(changed.status, 202, changed.text);
    await send('GET', `${changed.json.operation}/wait`);
    assert.equal((await send('PUT', '/1.0/instances/c1', whole, { 'if-match': headers.etag! })).status, 412);
    await run('PATCH', '/1.0/instances/c1', { config: { 'user.b': '2', 'user.a': '' } });
    const { config } = await get('/1.0/instances/c1');
    assert.deepEqual(
      [config['user.a'], config['user.b'], config['limits.memory'], config['volatile.base_image']],
      [undefined, '2', '64MiB', IMAGE],
    );
    assert.match((await send('PATCH', '/1.0/instances/c1', { config: { nonsense: '1' } })).json.error, /nonsense/);
    const restore = await send('PUT', '/1.0/instances/c1', { restore: 'c1/snap0' });
    assert.equal(restore.status, 404);
    assert.equal((await get('/1.0/instances/c1')).config['user.b'], '2', 'a restore changes nothing else');
  });

  it('follows its profile', async () => {
    await make('c1');
    const { devices } = await get('/1.0/profiles/default');
    await send('PUT', '/1.0/profiles/default', { devices, config: { 'limits.processes': '50' } });
    assert.equal((await get('/1.0/instances/c1')).expanded_config['limits.processes'], '50');
    const host = api.cluster.world.host((await get('/1.0/instances/c1')).location);
    assert.equal([...host.instances.values()][0]!.spec.config['limits.processes'], '50', 'its host was told');
    assert.deepEqual((await get('/1.0/profiles/default')).used_by, ['/1.0/instances/c1']);
    await send('POST', '/1.0/profiles', { name: 'extra' });
    await run('PATCH', '/1.0/instances/c1', { profiles: ['default', 'extra'] });
    assert.equal((await send('DELETE', '/1.0/profiles/extra')).status, 400);
    assert.equal((await send('POST', '/1.0/profiles/extra', { name: 'more' })).status, 201);
    assert.deepEqual((await get('/1.0/instances/c1')).profiles, ['default', 'more']);
  });

  it('is renamed, moved and deleted', async () => {
    await make('c1');
    await run('POST', '/1.0/instances/c1', { name: 'c2', migration: false });
    assert.equal((await send('GET', '/1.0/instances/c1')).status, 404);
    const { location } = await get('/1.0/instances/c2');
    const other = location === 'n1' ? 'n2' : 'n1';
    // lxc says live of a stopped one, too
    await run('POST', `/1.0/instances/c2?target=${other}`, { name: 'c2', migration: true, live: true });
    assert.equal((await get('/1.0/instances/c2')).location, other);
    await power('c2', 'start');
    await run('POST', `/1.0/instances/c2?target=${location}`, { name: 'c2', migration: true, live: true });
    const moved = await get('/1.0/instances/c2');
    assert.deepEqual([moved.location, moved.status], [location, 'Running']);
    const same = await send('POST', `/1.0/instances/c2?target=${location}`, { migration: true, live: true });
    assert.match(same.json.error, /already on/);
    const away = await send('POST', '/1.0/instances/c2', { migration: true, live: true });
    assert.equal(away.status, 501);
    assert.match((await send('DELETE', '/1.0/instances/c2')).json.error, /running/);
    await power('c2', 'stop', true);
    await run('DELETE', '/1.0/instances/c2');
    const gone = await send('DELETE', '/1.0/instances/c2');
    assert.deepEqual([gone.status, gone.json.error_code], [404, 404]);
  });

  it('explains where it is, where it would be put, and whether it could move', async () => {
    const plan = await send('POST', '/1.0/instances?dry-run=true', { name: 'c1', source });
    assert.equal(plan.status, 200);
    assert.equal(plan.json.metadata.reasons.length, 2);
    assert.deepEqual(await get('/1.0/instances'), [], 'nothing was made');
    await make('c1');
    const placed = await get('/1.0/instances/c1/placement');
    assert.equal(placed.node, (await get('/1.0/instances/c1')).location);
    const body = { migration: true, live: true };
    const cold = (await send('POST', '/1.0/instances/c1?dry-run=true', body)).json.metadata;
    assert.equal(cold.check, undefined);
    await power('c1', 'start');
    const live = (await send('POST', '/1.0/instances/c1?dry-run=1', body)).json.metadata;
    assert.equal(live.check.verdict, 'live');
    assert.notEqual(live.placement.node, placed.node);
  });

  it('of two that want one name at once, one is made and the other told so', async () => {
    const both = await Promise.all(['c1', 'c1'].map(name => send('POST', '/1.0/instances', { name, source })));
    assert.deepEqual(both.map(({ status }) => status).sort(), [202, 409]);
    assert.match(both.find(({ status }) => status === 409)!.json.error, /already exists/);
  });

  for (const [why, body, status, text] of [
    ['a name that is none', { name: 'a_b', source }, 400, /Invalid instance name/],
    ['an unknown image', { name: 'x', source: { type: 'image', fingerprint: 'abc' } }, 404, /Image not found/],
    ['an unknown alias', { name: 'x', source: { type: 'image', alias: 'debian/12' } }, 404, /debian\/12/],
    ['an unknown profile', { name: 'x', source, profiles: ['none'] }, 400, /"none"/],
    ['an unknown device type', { name: 'x', source, devices: { a: { type: 'warp' } } }, 400, /warp/],
    ['a virtual machine', { name: 'x', source, type: 'virtual-machine' }, 501, /Virtual machines/],
    ['a copy of nothing', { name: 'x', source: { type: 'copy', source: 'c' } }, 404, /not found/],
    [
      'an image from elsewhere',
      { name: 'x', source: { ...source, fingerprint: 'e', server: 'http://x', protocol: 'lxd' } },
      400,
      /"source.server"/,
    ],
    ['no source', { name: 'x' }, 400, /"source"/],
  ] as const) {
    it(`is refused for ${why}`, async () => {
      const refused = await send('POST', '/1.0/instances', body);
      assert.equal(refused.status, status, refused.text);
      assert.match(refused.json.error, text);
      assert.deepEqual(await get('/1.0/instances'), []);
    });
  }

  it('is refused for a member or group that does not exist', async () => {
    assert.match((await send('POST', '/1.0/instances?target=n9', { name: 'x', source })).json.error, /n9.*n1, n2/);
    const grouped = await api.front.run('POST', '/1.0/instances?target=@gpu', { name: 'x', source });
    assert.equal(grouped.status, 'Failure');
  });
});
