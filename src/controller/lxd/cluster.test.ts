/** The cluster: how hosts join, and what all of them have. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { makeRequest } from '../../kit/certificates.ts';
import { isLost } from '../saga/live-agents.ts';
import { SNAPSHOTS } from '../spaces.ts';
import { IMAGE, openTestApi, type TestApi } from './testing/test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const send = (method: string, path: string, body?: unknown, as?: 'stranger') =>
  api.front.send(method, path, body === undefined ? {} : { body }, as);
const get = async (path: string) => (await send('GET', path)).json.metadata;
const invite = async (name: string) =>
  (await send('POST', '/1.0/cluster/members', { server_name: name })).json.metadata.metadata;
const join = async (name: string, secret: string, address = '198.18.0.9:8444') =>
  send(
    'POST',
    '/1.0/cluster/join',
    { server_name: name, secret, csr: (await makeRequest(name)).csr, address },
    'stranger',
  );

describe('a host', () => {
  it('joins with a token, once, and gets a certificate for its name and nothing else', async () => {
    const token = await invite('n3');
    assert.deepEqual([token.serverName, token.addresses], ['n3', [api.front.address]]);
    assert.match(token.fingerprint, /^[0-9a-f]{64}$/);
    const joined = await join('n3', token.secret);
    assert.equal(joined.status, 200, joined.text);
    const { ca, certificate, controllers } = joined.json.metadata;
    const mine = new X509Certificate(certificate);
    assert.ok(mine.checkIssued(new X509Certificate(ca)));
    assert.equal(mine.subjectAltName, 'URI:berth://agent/n3');
    assert.deepEqual(controllers, [api.front.address]);
    const member = await get('/1.0/cluster/members/n3');
    assert.deepEqual([member.server_name, member.url, member.groups], ['n3', 'https://198.18.0.9:8444', ['default']]);
    assert.equal((await join('n3', token.secret)).status, 403);
  });

  it('does not join with a wrong secret, for another name, or where its name is taken', async () => {
    const { secret } = await invite('n3');
    assert.equal((await join('n3', 'wrong')).status, 403);
    assert.match((await join('n4', secret)).json.error, /for node "n3"/);
    assert.match((await join('n3', secret, 'nonsense')).json.error, /"address"/);
    const bad = { server_name: 'n3', secret, csr: 'nonsense', address: '198.18.0.9:8444' };
    assert.match((await send('POST', '/1.0/cluster/join', bad, 'stranger')).json.error, /"csr"/);
    assert.equal((await join('n3', secret)).status, 200, 'none of that used the token up');
    assert.equal((await send('POST', '/1.0/cluster/members', { server_name: 'n1' })).status, 409);
  });

  it('is a member with what cluster list prints, and is changed under its ETag', async () => {
    const [n1] = await get('/1.0/cluster/members?recursion=1');
    assert.deepEqual(
      [n1.server_name, n1.status, n1.message, n1.architecture, n1.failure_domain, n1.database],
      ['n1', 'Online', 'Fully operational', 'x86_64', 'default', false],
    );
    assert.deepEqual(await get('/1.0/cluster'), { server_name: 'c1', enabled: true, member_config: [] });
    const put = { ...n1, failure_domain: 'rack-1', groups: ['default', 'gpu'] };
    assert.equal((await send('PUT', '/1.0/cluster/members/n1', put)).status, 200);
    const changed = await get('/1.0/cluster/members/n1');
    assert.deepEqual([changed.failure_domain, changed.groups], ['rack-1', ['default', 'gpu']]);
    const groups = await get('/1.0/cluster/groups?recursion=1');
    assert.deepEqual(groups.at(-1), { name: 'gpu', description: '', members: ['n1'] });
    const made = await api.front.run('POST', '/1.0/instances?target=@gpu', {
      name: 'c1',
      source: { type: 'image', fingerprint: IMAGE },
    });
    assert.equal(made.status, 'Success', made.err);
    assert.equal((await get('/1.0/instances/c1')).location, 'n1');
    assert.equal((await send('POST', '/1.0/cluster/members/n1', { server_name: 'x' })).status, 501);
  });

  it('is in groups that are made, described, renamed and, when empty, deleted', async () => {
    const group = '/1.0/cluster/groups/gpu';
    const made = { name: 'gpu', description: 'cards', members: ['n1'] };
    assert.equal((await send('POST', '/1.0/cluster/groups', made)).status, 201);
    assert.equal((await send('POST', '/1.0/cluster/groups', made)).status, 409);
    assert.deepEqual(await get(group), made);
    assert.deepEqual((await get('/1.0/cluster/members/n1')).groups, ['default', 'gpu']);
    assert.match((await send('PUT', group, { members: ['n9'] })).json.error, /no cluster member "n9"/);
    assert.equal((await send('PUT', group, { description: 'x', members: ['n2'] })).status, 200);
    assert.deepEqual((await get('/1.0/cluster/members/n1')).groups, ['default']);
    assert.match((await send('PUT', '/1.0/cluster/groups/default', {})).json.error, /"n1" would be in no group/);
    assert.equal((await send('POST', group, { name: 'fast' })).status, 201);
    assert.deepEqual(await get('/1.0/cluster/groups/fast'), { name: 'fast', description: 'x', members: ['n2'] });
    assert.match((await send('DELETE', '/1.0/cluster/groups/fast')).json.error, /Only empty/);
    assert.equal((await send('PATCH', '/1.0/cluster/groups/fast', { members: [] })).status, 200);
    assert.equal((await send('DELETE', '/1.0/cluster/groups/fast')).status, 200);
    assert.equal((await send('GET', '/1.0/cluster/groups/fast')).status, 404);
  });

  it('is invited for as long as is configured', async () => {
    const lifetime = async () => Date.parse((await invite('n9')).expiresAt) - Date.now();
    assert.ok((await lifetime()) > 2.9 * 3600_000);
    assert.match(
      (await send('PATCH', '/1.0', { config: { 'cluster.join_token_expiry': 'soon' } })).json.error,
      /expiry/,
    );
    assert.equal((await send('PATCH', '/1.0', { config: { 'cluster.join_token_expiry': '5M' } })).status, 200);
    const ms = await lifetime();
    assert.ok(ms > 290_000 && ms <= 300_000, String(ms));
  });

  it('is emptied and taken back into service', async () => {
    await api.front.run('POST', '/1.0/instances?target=n1', {
      name: 'c1',
      source: { type: 'image', fingerprint: IMAGE },
    });
    const gone = await api.front.run('POST', '/1.0/cluster/members/n1/state', { action: 'evacuate', mode: '' });
    assert.equal(gone.status, 'Success', gone.err);
    assert.equal((await get('/1.0/instances/c1')).location, 'n2');
    assert.equal((await get('/1.0/cluster/members/n1')).status, 'Evacuated');
    const back = await api.front.run('POST', '/1.0/cluster/members/n1/state', { action: 'restore' });
    assert.equal(back.status, 'Success', back.err);
    assert.equal((await get('/1.0/instances/c1')).location, 'n1');
  });

  it('with instances is not removed; an empty one is', async () => {
    await api.front.run('POST', '/1.0/instances?target=n1', {
      name: 'c1',
      source: { type: 'image', fingerprint: IMAGE },
    });
    assert.match((await send('DELETE', '/1.0/cluster/members/n1?force=1')).json.error, /1 instance/);
    assert.equal((await send('DELETE', '/1.0/cluster/members/n2')).status, 200);
    assert.deepEqual(await get('/1.0/cluster/members'), ['/1.0/cluster/members/n1']);
  });

  it('that is lost is removed by force, with the records of what only it had', async () => {
    const make = (name: string, node: string) =>
      api.front.run('POST', `/1.0/instances?target=${node}`, { name, source: { type: 'image', fingerprint: IMAGE } });
    await make('c1', 'n1');
    await make('c2', 'n2');
    await api.front.run('POST', '/1.0/instances/c1/snapshots', { name: 's1' });
    await send('PATCH', '/1.0', { config: { 'cluster.offline_threshold': '1' } });
    api.cluster.world.host('n1').setDown(true);
    await api.cluster.until('n1 is lost', () => isLost(api.cluster.view, 'n1'));
    assert.match((await send('DELETE', '/1.0/cluster/members/n1')).json.error, /1 instance/);
    const gone = await send('DELETE', '/1.0/cluster/members/n1?force=1');
    assert.equal(gone.status, 200, gone.text);
    assert.deepEqual(await get('/1.0/cluster/members'), ['/1.0/cluster/members/n2']);
    assert.deepEqual(await get('/1.0/instances'), ['/1.0/instances/c2']);
    assert.deepEqual(api.cluster.view.list(SNAPSHOTS), []);
    assert.equal((await make('c1', 'n2')).status, 'Success'); // the name is free
  });

  it('tells its resources', async () => {
    const { cpu, memory } = await get('/1.0/resources?target=n1');
    assert.deepEqual([cpu.total, memory.total], [4, 8 * 2 ** 30]);
    assert.equal((await send('GET', '/1.0/resources?target=n9')).status, 404);
  });
});

describe('a network', () => {
  it('is made on every host, used, and removed from every host', async () => {
    const config = { 'ipv4.address': '198.18.4.1/24', 'ipv4.nat': 'false' };
    assert.equal((await send('POST', '/1.0/networks', { name: 'lab0', type: 'bridge', config })).status, 201);
    for (const { networks } of api.cluster.world.hosts.values()) assert.ok(networks.has('lab0'));
    const shown = await get('/1.0/networks/lab0');
    assert.deepEqual([shown.managed, shown.status, shown.locations], [true, 'Created', ['n1', 'n2']]);
    assert.equal((await get('/1.0/networks/lab0/state')).counters.bytes_sent, 7);
    assert.equal((await send('GET', '/1.0/networks/lab0/state?target=n9')).status, 404);
    assert.equal((await send('POST', '/1.0/networks', { name: 'lab0', config })).status, 409);
    await send('POST', '/1.0/profiles', { name: 'p', devices: { eth0: { type: 'nic', network: 'lab0' } } });
    assert.match((await send('DELETE', '/1.0/networks/lab0')).json.error, /profiles\/p/);
    await send('DELETE', '/1.0/profiles/p');
    assert.equal((await send('DELETE', '/1.0/networks/lab0')).status, 200);
    for (const { networks } of api.cluster.world.hosts.values()) assert.ok(!networks.has('lab0'));
  });

  it("tells who has which address, of the caller's project", async () => {
    const config = { 'ipv4.address': '198.18.5.1/24', 'ipv6.address': 'none' };
    await send('POST', '/1.0/networks', { name: 'lab1', config });
    const source = { type: 'none' };
    const root = { type: 'disk', path: '/', pool: 'default' };
    const eth0 = { type: 'nic', network: 'lab1', 'ipv4.address': '198.18.5.9' };
    await api.front.run('POST', '/1.0/instances?target=n1', { name: 'a1', source, devices: { root, eth0 } });
    const any = { type: 'nic', network: 'lab1' };
    await api.front.run('POST', '/1.0/instances?target=n1', { name: 'a2', source, devices: { root, eth0: any } });
    const [one, two, ...more] = await get('/1.0/networks/lab1/leases');
    assert.deepEqual(more, []);
    const { config: own } = await get('/1.0/instances/a1');
    assert.deepEqual(one, {
      hostname: 'a1',
      hwaddr: own['volatile.eth0.hwaddr'],
      address: '198.18.5.9',
      type: 'static',
      location: 'n1',
    });
    assert.deepEqual([two.hostname, two.type, two.location], ['a2', 'dynamic', 'n1']);
    for (const name of ['a1', 'a2']) await api.front.run('DELETE', `/1.0/instances/${name}`);
    assert.deepEqual(await get('/1.0/networks/lab1/leases'), []);
    assert.equal((await send('DELETE', '/1.0/networks/lab1')).status, 200);
    assert.equal((await send('GET', '/1.0/networks/lab1/leases')).status, 404);
  });

  it('is named member by member first, as clients of a cluster do', async () => {
    const config = { 'bridge.external_interfaces': 'eth1' };
    const on = (target: string, body: object = {}) =>
      send('POST', `/1.0/networks?target=${target}`, { name: 'lab4', ...body });
    assert.equal((await on('n1', { config })).status, 201);
    assert.equal((await on('n1')).status, 409);
    assert.equal((await on('n9')).status, 404);
    assert.match(
      (await on('n2', { config: { 'ipv4.address': '198.18.7.1/24' } })).json.error,
      /"ipv4\.address" may not be/,
    );
    await on('n2');
    const pending = await get('/1.0/networks/lab4');
    assert.deepEqual([pending.status, pending.locations], ['Pending', ['n1', 'n2']]);
    const whole = { name: 'lab4', config: { 'ipv4.address': '198.18.7.1/24', 'ipv6.address': 'none' } };
    assert.equal((await send('POST', '/1.0/networks', whole)).status, 201);
    const shown = async (more: string) => (await get(`/1.0/networks/lab4${more}`)).config['bridge.external_interfaces'];
    assert.deepEqual(
      [await shown(''), await shown('?target=n1'), await shown('?target=n2')],
      [undefined, 'eth1', undefined],
    );
    const put = (target: string, change: object) =>
      send('PUT', `/1.0/networks/lab4?target=${target}`, { config: { ...whole.config, ...change } });
    assert.equal((await put('n2', { 'bridge.external_interfaces': 'eth2' })).status, 200);
    assert.equal(await shown('?target=n2'), 'eth2');
    assert.match((await put('n2', { 'ipv4.nat': 'true' })).json.error, /"ipv4\.nat" may not be/);
    assert.equal((await send('PATCH', '/1.0/networks/lab4', { description: 'x' })).status, 200);
    assert.equal((await send('PATCH', '/1.0/networks/lab4', { config: { 'ipv4.nat': 'true' } })).status, 200);
    const { description, config: after } = await get('/1.0/networks/lab4');
    assert.deepEqual([description, after['ipv4.nat']], ['x', 'true']);
    await on('n1').then(({ status }) => assert.equal(status, 409));
    assert.equal((await send('DELETE', '/1.0/networks/lab4')).status, 200);
    await on('n1');
    assert.equal((await send('DELETE', '/1.0/networks/lab4')).status, 200);
    assert.equal((await send('GET', '/1.0/networks/lab4')).status, 404);
  });

  it('has forwards, which are changed, listed and gone with it', async () => {
    await send('POST', '/1.0/networks', {
      name: 'lab2',
      config: { 'ipv4.address': '198.18.6.1/24', 'ipv6.address': 'none' },
    });
    const all = '/1.0/networks/lab2/forwards';
    const ports = [{ protocol: 'tcp', listen_port: '80', target_address: '198.18.6.9' }];
    assert.equal((await send('POST', all, { listen_address: '198.18.99.9', ports })).status, 201);
    assert.equal((await send('POST', all, { listen_address: '198.18.99.9' })).status, 409);
    for (const listen_address of ['198.18.6.7', '127.0.0.1', '::1', 'x', '224.0.0.1'])
      assert.match((await send('POST', all, { listen_address })).json.error, /listen_address/);
    assert.deepEqual(await get(all), [`${all}/198.18.99.9`]);
    const patched = await send('PATCH', `${all}/198.18.99.9`, { description: 'web' });
    assert.equal(patched.status, 200);
    const [shown] = await get(`${all}?recursion=1`);
    assert.deepEqual([shown.listen_address, shown.description, shown.ports.length], ['198.18.99.9', 'web', 1]);
    assert.equal((await send('PUT', `${all}/198.18.99.9`, { config: { target_address: '198.18.6.1' } })).status, 400);
    assert.equal((await send('POST', '/1.0/networks/lab2', { name: 'lab3' })).status, 400);
    assert.equal((await send('DELETE', '/1.0/networks/lab2')).status, 200);
    assert.equal((await send('GET', all)).status, 404);
  });

  for (const [why, body, text] of [
    ['a bad name', { name: 'a-name-that-is-too-long' }, /network name/],
    ['an unknown key', { name: 'lab0', config: { 'ipv4.magic': '1' } }, /ipv4\.magic/],
    ['a bad address', { name: 'lab0', config: { 'ipv4.address': 'x' } }, /ipv4\.address/],
    ['an unknown type', { name: 'lab0', type: 'ovn' }, /ovn/],
  ] as const) {
    it(`is refused for ${why}`, async () => {
      const refused = await send('POST', '/1.0/networks', body);
      assert.ok(refused.status >= 400 && refused.status < 502);
      assert.match(refused.json.error, text);
      assert.equal((await send('GET', '/1.0/networks/lab0')).status, 404);
    });
  }
});

describe('a storage pool', () => {
  it('is made on every host, tells its room, and is removed', async () => {
    assert.equal((await send('POST', '/1.0/storage-pools', { name: 'fast', driver: 'dir', config: {} })).status, 201);
    for (const { pools } of api.cluster.world.hosts.values()) assert.ok(pools.has('fast'));
    assert.deepEqual((await get('/1.0/storage-pools/fast')).driver, 'dir');
    const { space } = await get('/1.0/storage-pools/default/resources?target=n1');
    assert.deepEqual(space, { used: 2 ** 30, total: 2 ** 40 });
    assert.match((await send('DELETE', '/1.0/storage-pools/default')).json.error, /in use/);
    assert.equal((await send('DELETE', '/1.0/storage-pools/fast')).status, 200);
  });

  it('is refused for an unknown driver or key, naming those that there are', async () => {
    assert.match((await send('POST', '/1.0/storage-pools', { name: 'x', driver: 'ceph' })).json.error, /dir, btrfs/);
    const key = { name: 'x', driver: 'dir', config: { 'zfs.pool': 'x' } };
    assert.match((await send('POST', '/1.0/storage-pools', key)).json.error, /zfs\.pool/);
  });
});
