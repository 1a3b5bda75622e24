import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { INSTANCE_METADATA } from '../spaces.ts';
import { IMAGE, openTestApi, type TestApi } from './testing/test-api.ts';

const PATH = '/1.0/instances/c1/metadata';

describe('metadata and templates of an instance', { timeout: 20_000 }, () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await openTestApi({ hosts: ['n1'] });
    await api.front.run('POST', '/1.0/instances', { name: 'c1', source: { type: 'image', fingerprint: IMAGE } });
  });
  afterEach(() => api.close());
  const get = async (path = PATH) => (await api.front.send('GET', path)).json.metadata;
  const send = (method: string, body: unknown, path = PATH) => api.front.send(method, path, { body });
  const specOfC1 = () =>
    [...api.cluster.world.host('n1').instances.values()].find(({ spec }) => spec.name === 'c1')!.spec;

  it("are the image's until they are changed, and are told to the host at the next start", async () => {
    const before = await get();
    assert.deepEqual(Object.keys(before.templates), ['/etc/hostname']);
    assert.equal(specOfC1().metadata, '');
    const motd = { when: ['start'], create_only: true, template: 'motd.tpl', properties: { a: 'b' } };
    assert.equal((await send('PATCH', { templates: { ...before.templates, '/etc/motd': motd } })).status, 200);
    assert.deepEqual((await get()).templates['/etc/motd'], motd);
    assert.equal((await get()).properties.os, 'fake');
    await api.front.run('PUT', '/1.0/instances/c1/state', { action: 'start' });
    assert.match(specOfC1().metadata, /"\/etc\/motd"/);
  });

  it('templates are listed, read, written and deleted', async () => {
    const templates = `${PATH}/templates`;
    assert.deepEqual(await get(templates), ['hostname.tpl']);
    const written = await api.front.send('POST', `${templates}?path=motd.tpl`, {
      body: 'hello {{ container.name }}\n',
      headers: { 'content-type': 'application/octet-stream' },
    });
    assert.equal(written.status, 200, written.text);
    assert.deepEqual(await get(templates), ['hostname.tpl', 'motd.tpl']);
    assert.equal((await api.front.send('GET', `${templates}?path=motd.tpl`)).text, 'hello {{ container.name }}\n');
    assert.equal((await api.front.send('DELETE', `${templates}?path=motd.tpl`)).status, 200);
    assert.equal((await api.front.send('GET', `${templates}?path=motd.tpl`)).status, 404);
    assert.equal((await api.front.send('DELETE', `${templates}?path=motd.tpl`)).status, 404);
  });

  it('go along with a copy, and are gone with the instance', async () => {
    await send('PATCH', { properties: { os: 'mine' } });
    await api.front.run('POST', '/1.0/instances', { name: 'c2', source: { type: 'copy', source: 'c1' } });
    assert.equal((await get('/1.0/instances/c2/metadata')).properties.os, 'mine');
    await api.front.run('DELETE', '/1.0/instances/c1');
    await api.front.run('DELETE', '/1.0/instances/c2');
    assert.deepEqual(api.front.controller.view.list(INSTANCE_METADATA), []);
  });

  it('what is wrong is refused by name and changes nothing', async () => {
    const { headers } = await api.front.send('GET', PATH);
    const whole = await get();
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ ...whole, templates: { 'etc/x': { when: [], template: 'a' } } }, /absolute path/],
      [{ ...whole, templates: { '/x': { when: ['never'], template: 'a' } } }, /create, copy, start, rename/],
      [{ ...whole, templates: { '/x': { when: [], template: '../a' } } }, /without a slash/],
      [{ ...whole, architecture: 'pdp11' }, /architecture/],
      [{ ...whole, creation_date: 'today' }, /creation_date/],
      [{ ...whole, properties: { big: 'x'.repeat(300_000) } }, /256 KiB/],
    ];
    for (const [body, why] of wrong) {
      const { status, json } = await send('PUT', body);
      assert.equal(status, 400, JSON.stringify(body).slice(0, 99));
      assert.match(json.error, why);
    }
    for (const path of ['', '?path=', '?path=a%2Fb', '?path=..'])
      assert.equal((await api.front.send('POST', `${PATH}/templates${path}`, { body: 'x' })).status, 400, path);
    const stale = await api.front.send('PUT', PATH, { body: whole, headers: { 'if-match': 'stale' } });
    assert.equal(stale.status, 412);
    assert.equal((await api.front.send('GET', PATH)).headers.etag, headers.etag);
  });
});

describe('console', { timeout: 20_000 }, () => {
  it('is refused with what to do where there is none: a log, a vga one, an instance that does not run', async () => {
    const api = await openTestApi({ hosts: ['n1'] });
    try {
      await api.front.run('POST', '/1.0/instances', { name: 'c1', source: { type: 'image', fingerprint: IMAGE } });
      const at = '/1.0/instances/c1/console';
      assert.match((await api.front.send('GET', at)).json.error, /journalctl/);
      assert.match((await api.front.send('POST', at, { body: { type: 'vga' } })).json.error, /"type"/);
      assert.match((await api.front.send('POST', at, { body: {} })).json.error, /not running/);
    } finally {
      await api.close();
    }
  });
});
