/** What every client relies on, whatever it asks for: envelope, bodies, paths, errors. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { API_EXTENSIONS } from './extensions.ts';
import { openTestApi, type TestApi } from './testing/test-api.ts';

let api: TestApi;
before(async () => {
  api = await openTestApi();
});
after(() => api.close());

describe('the API', () => {
  it('answers with the same seven keys, whether it went well or not', async () => {
    const keys = ['type', 'status', 'status_code', 'operation', 'error_code', 'error', 'metadata'];
    const { front } = api;
    const root = await front.send('GET', '/');
    assert.deepEqual(root.json.metadata, ['/1.0']);
    assert.deepEqual(Object.keys(root.json), keys);
    const missing = await front.send('GET', '/1.0/profiles/none');
    assert.deepEqual(Object.keys(missing.json), keys);
    assert.equal(missing.status, 404);
    assert.equal(missing.json.error_code, 404); // Ansible looks into the body
    assert.match(missing.json.error, /not found/i);
    const nowhere = await front.send('GET', '/1.0/nowhere');
    assert.deepEqual([nowhere.status, nowhere.json.error_code], [404, 404]);
  });

  it('tells a stranger nothing but how to become known', async () => {
    const { json } = await api.front.send('GET', '/1.0', {}, 'stranger');
    assert.deepEqual(Object.keys(json.metadata).sort(), [
      'api_extensions',
      'api_status',
      'api_version',
      'auth',
      'auth_methods',
      'public',
    ]);
    assert.equal(json.metadata.auth, 'untrusted');
    const refused = await api.front.send('GET', '/1.0/instances', {}, 'stranger');
    assert.deepEqual([refused.status, refused.json.error_code], [403, 403]);
    assert.match(refused.json.error, /not authorized/);
  });

  it('tells a friend what Juju and lxc read', async () => {
    const { auth, environment, api_extensions } = (await api.front.send('GET', '/1.0')).json.metadata;
    assert.equal(auth, 'trusted');
    assert.ok(Number.parseFloat(environment.server_version) >= 5);
    assert.equal(environment.server, 'lxd');
    assert.equal(environment.server_clustered, true);
    assert.equal(environment.certificate, api.front.certificate);
    assert.match(environment.certificate_fingerprint, /^[0-9a-f]{64}$/);
    assert.deepEqual(environment.addresses, [api.front.address]);
    assert.deepEqual(api_extensions, API_EXTENSIONS);
    assert.equal(new Set(API_EXTENSIONS).size, API_EXTENSIONS.length);
  });

  it('takes JSON without a content type, with a wrong one, and null or "" where no body is needed', async () => {
    const { front } = api;
    assert.equal((await front.send('POST', '/1.0/profiles', { body: { name: 'plain' } })).status, 201);
    const wrong = { body: { name: 'odd' }, headers: { 'content-type': 'text/x-whatever' } };
    assert.equal((await front.send('POST', '/1.0/profiles', wrong)).status, 201);
    assert.equal((await front.send('GET', '/1.0/profiles/plain', { body: 'null' })).status, 200);
    assert.equal((await front.send('GET', '/1.0/profiles/plain', { body: '""' })).status, 200);
    assert.equal((await front.send('DELETE', '/1.0/profiles/plain', { body: 'null' })).status, 200);
    const json = { body: 'null', headers: { 'content-type': 'application/json' } };
    assert.equal((await front.send('DELETE', '/1.0/profiles/odd', json)).status, 200);
  });

  it('names the field that is wrong', async () => {
    const { front } = api;
    const broken = await front.send('POST', '/1.0/profiles', { body: '{"name":' });
    assert.deepEqual([broken.status, broken.json.error_code], [400, 400]);
    assert.match(broken.json.error, /not JSON/);
    const number = await front.send('POST', '/1.0/profiles', { body: { name: 'x', config: { 'limits.cpu': 2 } } });
    assert.match(number.json.error, /config\.limits\.cpu/);
    const nameless = await front.send('POST', '/1.0/profiles', { body: 'null' });
    assert.match(nameless.json.error, /"name"/);
  });

  it('decodes a path segment by segment', async () => {
    const missing = await api.front.send('GET', '/1.0/images/aliases/debian%2F12');
    assert.match(missing.json.error, /debian\/12/);
    assert.equal((await api.front.send('GET', '/1.0/profiles/%zz')).status, 400);
  });

  it('ignores target and project where they mean nothing, and knows one project only', async () => {
    const { front } = api;
    assert.equal((await front.send('GET', '/1.0/profiles?target=n1&project=default')).status, 200);
    assert.equal((await front.send('GET', '/1.0/profiles?project=none')).status, 404);
    assert.equal((await front.send('GET', '/1.0/profiles?project=default&all-projects=true')).status, 400);
    assert.deepEqual((await front.send('GET', '/1.0/projects')).json.metadata, ['/1.0/projects/default']);
  });

  it('stores null maps as empty ones, and shows empty ones as {}', async () => {
    const { front } = api;
    await front.send('POST', '/1.0/profiles', { body: { name: 'nulls', config: null, devices: null } });
    const { metadata } = (await front.send('GET', '/1.0/profiles/nulls')).json;
    assert.deepEqual([metadata.config, metadata.devices, metadata.used_by], [{}, {}, []]);
  });

  it('refuses a PUT of what changed since it was read', async () => {
    const { front } = api;
    await front.send('POST', '/1.0/profiles', { body: { name: 'tagged' } });
    const etag = (await front.send('GET', '/1.0/profiles/tagged')).headers.etag!;
    const put = (value: string, tag: string) =>
      front.send('PUT', '/1.0/profiles/tagged', {
        body: { config: { 'user.x': value } },
        headers: { 'if-match': tag },
      });
    assert.equal((await put('1', etag)).status, 200);
    const late = await put('2', etag);
    assert.deepEqual([late.status, late.json.error_code], [412, 412]);
    const next = (await front.send('GET', '/1.0/profiles/tagged')).headers.etag!;
    assert.equal((await put('3', next.replaceAll('"', ''))).status, 200); // quotes are optional
  });

  it('says that a name is taken', async () => {
    const again = await api.front.send('POST', '/1.0/profiles', { body: { name: 'default' } });
    assert.deepEqual([again.status, again.json.error_code], [409, 409]);
    assert.match(again.json.error, /already exists/);
  });

  it('lists with and without recursion, filtered, and with an empty filter', async () => {
    const { front } = api;
    await front.send('POST', '/1.0/profiles', { body: { name: 'web', config: { 'user.role': 'Web' } } });
    const urls = (await front.send('GET', '/1.0/profiles?filter=')).json.metadata;
    assert.ok(urls.includes('/1.0/profiles/web'));
    const filter = encodeURIComponent('config.user.role eq web and name ne db');
    const found = (await front.send('GET', `/1.0/profiles?recursion=1&filter=${filter}`)).json.metadata;
    assert.deepEqual(
      found.map(({ name }: { name: string }) => name),
      ['web'],
    );
  });

  it('shows metrics to friends and keeps them from strangers', async () => {
    const { text } = await api.front.send('GET', '/metrics');
    assert.match(text, /berth_node_online\{node="n1"\} 1/);
    assert.match(text, /berth_api_answers_total\{method="GET",status="200"\} \d+/);
    assert.equal((await api.front.send('GET', '/metrics', {}, 'stranger')).status, 403);
  });

  it('gives and takes the server configuration, but never the password', async () => {
    const { front } = api;
    const set = (config: object) => front.send('PUT', '/1.0', { body: { config } });
    assert.equal((await set({ 'core.trust_password': 'hush', 'user.x': '1' })).status, 200);
    const { config } = (await front.send('GET', '/1.0')).json.metadata;
    assert.deepEqual(config, { 'core.trust_password': 'true', 'user.x': '1' });
    assert.equal((await set(config)).status, 200); // written back as it was read, it stays
    assert.deepEqual((await front.send('GET', '/1.0')).json.metadata.config, config);
    assert.match((await set({ nonsense: '1' })).json.error, /nonsense/);
    assert.equal((await set({})).status, 200);
    assert.deepEqual((await front.send('GET', '/1.0')).json.metadata.config, {});
  });
});
