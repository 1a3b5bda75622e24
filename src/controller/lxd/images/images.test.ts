/** Images as they come (raw, in two parts, without a type) and go; the nodes' data plane is a map. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readIndex, readProducts } from '../../../domain/simplestreams/read.ts';
import type { Bulk } from '../bulk.ts';
import { IMAGE, openTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
/** upload -> part -> what arrived */
let uploads: Map<string, Record<string, string>>;
let fail: Error | undefined;

/** Fingerprints of the fake hosts are what the test says. */
const FINGERPRINT = 'ab'.repeat(32);

beforeEach(async () => {
  uploads = new Map();
  fail = undefined;
  const bulk: Bulk = {
    backup: async function* () {},
    upload: async (node, _agent, { upload, part }, body) => {
      let text = '';
      for await (const chunk of body) text += chunk.toString();
      if (fail !== undefined) throw fail;
      uploads.set(upload, { ...uploads.get(upload), [part]: text });
      api.cluster.world.host(node).uploads.set(upload, FINGERPRINT);
    },
    download: async function* (_node, _agent, { part }) {
      yield Buffer.from(`bytes of ${part}`);
    },
    files: () => assert.fail('nobody asks for files'),
  };
  api = await openTestApi({ hosts: ['n1'], bulk });
});
afterEach(() => api.close());

const send: TestApi['front']['send'] = (...all) => api.front.send(...all);
const get = async (path: string) => (await send('GET', path)).json.metadata;
const ended = async (begun: Awaited<ReturnType<typeof send>>) => {
  assert.equal(begun.status, 202, begun.text);
  return (await send('GET', `${begun.json.operation}/wait?timeout=10`)).json.metadata;
};
const form = (...parts: readonly (readonly [name: string, filename: string, text: string])[]) => ({
  headers: { 'content-type': 'multipart/form-data; boundary=XX' },
  body: `${parts
    .map(
      ([name, filename, text]) =>
        `--XX\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\n\r\n${text}\r\n`,
    )
    .join('')}--XX--\r\n`,
});

describe('an image', () => {
  it('is imported from one file, with what lxc says in headers', async () => {
    const operation = await ended(
      await send('POST', '/1.0/images', {
        body: 'archive',
        headers: {
          'content-type': 'application/octet-stream',
          'x-lxd-filename': 'bb.tar.xz',
          'x-lxd-public': 'true',
          'x-lxd-properties': 'os=other&description=two%20words',
        },
      }),
    );
    assert.equal(operation.metadata.fingerprint, FINGERPRINT, operation.err);
    assert.deepEqual([...uploads.values()], [{ meta: 'archive' }]);
    const image = await get(`/1.0/images/${FINGERPRINT}`);
    assert.deepEqual(image.properties, { os: 'other', description: 'two words' });
    assert.deepEqual([image.filename, image.public, image.type], ['bb.tar.xz', true, 'container']);
    assert.equal(image.expires_at, '0001-01-01T00:00:00Z');
  });

  it('is imported without a content type, as pylxd sends it', async () => {
    const operation = await ended(
      await send('POST', '/1.0/images', { body: Buffer.from([0x1f, 0x8b, 1, 2]), headers: { 'x-lxd-public': '1' } }),
    );
    assert.equal(operation.status, 'Success', operation.err);
    assert.equal((await get(`/1.0/images/${FINGERPRINT}`)).public, true);
  });

  it('is imported from two parts', async () => {
    const parts = form(['metadata', 'meta.tar.xz', 'the metadata'], ['rootfs', 'root.squashfs', 'the root']);
    assert.equal((await ended(await send('POST', '/1.0/images', parts))).status, 'Success');
    assert.deepEqual([...uploads.values()], [{ meta: 'the metadata', rootfs: 'the root' }]);
    assert.equal((await get(`/1.0/images/${FINGERPRINT}`)).filename, 'meta.tar.xz');
  });

  for (const [why, sent, text] of [
    ['a part is missing', form(['metadata', 'm', 'x']), /"rootfs" is missing/],
    ['a part is unknown', form(['metadata', 'm', 'x'], ['extra', 'e', 'x']), /"extra"/],
    ['it is of a virtual machine', form(['metadata', 'm', 'x'], ['rootfs.img', 'r', 'x']), /virtual machine/],
    ['the form is cut off', { ...form(), body: '--XX\r\nContent-Disposition: form-data; na' }, /damaged|missing/],
  ] as const) {
    it(`is refused when ${why}, and the upload is thrown away`, async () => {
      const refused = await send('POST', '/1.0/images', sent);
      assert.equal(refused.status, 400, refused.text);
      assert.match(refused.json.error, text);
      assert.equal(api.cluster.world.host('n1').uploads.size, 0);
    });
  }

  it('tells what its host said when that cannot take it', async () => {
    const { AppError } = await import('../../../domain/errors.ts');
    fail = new AppError('exhausted', 'No space left in /images');
    const refused = await send('POST', '/1.0/images', { body: Buffer.from([1]) });
    assert.deepEqual([refused.status, refused.json.error], [507, 'No space left in /images']);
  });

  for (const [type, text] of [
    ['image', /"source"/],
    ['url', /URL/],
    ['instance', /"source.name"/],
    ['weather', /"weather"/],
  ] as const) {
    it(`is not taken from a source of type ${type}, and says so`, async () => {
      const refused = await send('POST', '/1.0/images', { body: { source: { type, server: 'https://s' } } });
      assert.ok([400, 501].includes(refused.status));
      assert.match(refused.json.error, text);
    });
  }

  it('is named by an alias with slashes, and by the beginning of its fingerprint', async () => {
    const alias = { name: 'debian/12', target: IMAGE.slice(0, 12), description: '', type: '' };
    assert.equal((await send('POST', '/1.0/images/aliases', { body: alias })).status, 201);
    assert.equal((await send('POST', '/1.0/images/aliases', { body: alias })).status, 409);
    assert.equal((await get('/1.0/images/aliases/debian%2F12')).target, IMAGE);
    assert.deepEqual(await get('/1.0/images/aliases'), ['/1.0/images/aliases/debian%2F12']);
    assert.deepEqual((await get(`/1.0/images/${IMAGE.slice(0, 6)}`)).aliases, [{ name: 'debian/12', description: '' }]);
    const made = await api.front.run('POST', '/1.0/instances', {
      name: 'c1',
      source: { type: 'image', alias: 'debian/12' },
    });
    assert.equal(made.status, 'Success', made.err);
    const renamed = await send('POST', '/1.0/images/aliases/debian%2F12', { body: { name: 'debian/13' } });
    assert.equal(renamed.status, 201);
    assert.equal((await send('DELETE', '/1.0/images/aliases/debian%2F13')).status, 200);
    assert.deepEqual(await get('/1.0/images/aliases'), []);
  });

  it('is changed, exported and deleted', async () => {
    const { headers } = await send('GET', `/1.0/images/${IMAGE}`);
    const change = {
      body: { public: true, properties: { os: 'x' }, auto_update: false },
      headers: { 'if-match': headers.etag! },
    };
    assert.equal((await send('PUT', `/1.0/images/${IMAGE}`, change)).status, 200);
    assert.equal((await send('PUT', `/1.0/images/${IMAGE}`, change)).status, 412);
    const file = await send('GET', `/1.0/images/${IMAGE}/export`);
    assert.equal(file.text, 'bytes of meta');
    assert.match(String(file.headers['content-disposition']), /filename="busybox.tar"/);
    assert.equal((await api.front.run('DELETE', `/1.0/images/${IMAGE.slice(0, 8)}`)).status, 'Success');
    assert.equal((await send('GET', `/1.0/images/${IMAGE}`)).status, 404);
  });

  it('is seen by strangers only when it is public', async () => {
    assert.equal((await send('GET', `/1.0/images/${IMAGE}`, {}, 'stranger')).status, 404);
    assert.deepEqual((await send('GET', '/1.0/images', {}, 'stranger')).json.metadata, []);
    assert.equal((await send('GET', `/1.0/images/${IMAGE}/export`, {}, 'stranger')).status, 404);
    await send('PATCH', `/1.0/images/${IMAGE}`, { body: { public: true } });
    assert.equal((await send('GET', `/1.0/images/${IMAGE}`, {}, 'stranger')).status, 200);
    assert.equal((await send('GET', `/1.0/images/${IMAGE}/export`, {}, 'stranger')).text, 'bytes of meta');
  });
});

it('a change that would do nothing is refused by name', async () => {
  const headers = { 'content-type': 'application/octet-stream' };
  await ended(await send('POST', '/1.0/images', { body: 'archive', headers }));
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ auto_update: true }, /"auto_update"/],
    [{ expires_at: 'some day' }, /expires_at/],
    [{ profiles: ['nothing'] }, /"nothing" does not exist/],
  ];
  for (const [body, why] of refused) {
    const { status, json } = await send('PATCH', `/1.0/images/${FINGERPRINT}`, { body });
    assert.ok([400, 501].includes(status), String(status));
    assert.match(json.error, why);
  }
  const later = '2100-01-01T00:00:00.000Z';
  await send('PATCH', `/1.0/images/${FINGERPRINT}`, { body: { expires_at: later, profiles: ['default'] } });
  const { expires_at: ends, profiles } = await get(`/1.0/images/${FINGERPRINT}`);
  assert.deepEqual([ends, profiles], [later, ['default']]);
});

describe('images for others', () => {
  const importOne = async (isPublic: boolean) => {
    const headers = { 'content-type': 'application/octet-stream', 'x-lxd-public': String(isPublic) };
    await ended(await send('POST', '/1.0/images', { body: 'archive', headers }));
    await send('POST', '/1.0/images/aliases', { body: { name: 'mine/1', target: FINGERPRINT } });
  };
  const path = `/1.0/images/${FINGERPRINT}`;

  it('a private one is shown and given to who has its secret, and to no other stranger', async () => {
    await importOne(false);
    const begun = await send('POST', `${path}/secret`);
    assert.equal(begun.json.metadata.class, 'token');
    const { secret } = begun.json.metadata.metadata;
    const stranger = (where: string) => send('GET', where, {}, 'stranger');
    assert.equal((await stranger(path)).status, 404);
    assert.equal((await stranger(`${path}?secret=${secret}`)).json.metadata.fingerprint, FINGERPRINT);
    assert.equal((await stranger(`${path}/export?secret=${secret}`)).text, 'bytes of meta');
    assert.equal((await stranger(`${path}/export?secret=${'0'.repeat(64)}`)).status, 403);
    assert.equal((await send('DELETE', begun.json.operation)).status, 200);
    assert.equal((await stranger(`${path}?secret=${secret}`)).status, 403);
    assert.equal(JSON.parse((await stranger('/streams/v1/index.json')).text).index.images.products.length, 0);
  });

  it('public ones are a simplestreams tree that our own reader understands', async () => {
    await importOne(true);
    const stranger = async (where: string) => send('GET', where, {}, 'stranger');
    const [list] = readIndex(JSON.parse((await stranger('/streams/v1/index.json')).text));
    const [image] = readProducts(JSON.parse((await stranger(`/${list}`)).text));
    assert.equal(image?.fingerprint, FINGERPRINT);
    assert.deepEqual(image.aliases, ['mine/1']);
    assert.equal((await stranger(`/${image.files[0]!.path}`)).text, 'bytes of meta');
    assert.equal((await stranger('/streams/v1/files/0000/lxd.tar.gz')).status, 404);
  });
});
