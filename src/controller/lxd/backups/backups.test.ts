/** Backups as lxc makes, lists, renames and deletes them; and what is taken in. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { BACKUPS } from '../../spaces.ts';
import type { Bulk } from '../bulk.ts';
import { IMAGE, openTestApi, type TestApi } from '../testing/test-api.ts';
import { contentsOf } from './contents.ts';

let api: TestApi;
/** Instead of an archive the tests upload what would be its index. */
const bulk: Bulk = {
  upload: async (node, _agent, { upload }, body) => {
    let text = '';
    for await (const chunk of body) text += chunk.toString();
    api.cluster.world.host(node).uploads.set(upload, text);
  },
  download: async function* () {},
  files: () => assert.fail('nobody asks for files'),
  backup: async function* (_node, _agent, backup) {
    yield Buffer.from(`archive ${backup}`);
  },
};
beforeEach(async () => {
  api = await openTestApi({ bulk });
  await run('POST', '/1.0/instances', { name: 'c1', source: { type: 'image', fingerprint: IMAGE } });
});
afterEach(() => api.close());

const run = async (method: string, path: string, body?: unknown) => {
  const operation = await api.front.run(method, path, body);
  assert.equal(operation.status, 'Success', operation.err);
  return operation;
};
const send = (method: string, path: string, body?: unknown) => api.front.send(method, path, { body });
const url = '/1.0/instances/c1/backups';
const kept = () => [...api.cluster.world.hosts.values()].flatMap(({ backups }) => [...backups]);
const importing = async (text: string, headers: Record<string, string> = {}) => {
  const all = { 'content-type': 'application/octet-stream', ...headers };
  const begun = await api.front.send('POST', '/1.0/instances', { body: Buffer.from(text), headers: all });
  if (begun.status !== 202) return begun.json.error as string;
  return (await send('GET', `${begun.json.operation}/wait?timeout=10`)).json.metadata.status as string;
};
const container = {
  ...{ name: 'old', architecture: 'x86_64', config: { 'user.x': 'y', 'volatile.uuid': 'theirs' }, devices: {} },
  ...{ profiles: ['default'], ephemeral: false, description: 'from there' },
};
const index = (more: object = {}, config: object = {}) =>
  stringify({
    name: 'old',
    snapshots: ['s1'],
    config: { container, snapshots: [{ ...container, name: 's1' }], ...config },
    ...more,
  });

describe('a backup', () => {
  it('is made as lxc export does it, and goes with its instance', async () => {
    const expires = '2100-01-01T00:00:00Z';
    const made = await run('POST', url, {
      name: '',
      expires_at: expires,
      instance_only: false,
      compression_algorithm: '',
    });
    assert.deepEqual(made.resources.backups, ['/1.0/backups/backup0']);
    const { metadata } = (await send('GET', `${url}/backup0`)).json;
    assert.deepEqual(
      [metadata.name, metadata.expires_at, metadata.instance_only],
      ['backup0', '2100-01-01T00:00:00.000Z', false],
    );
    assert.deepEqual((await send('GET', url)).json.metadata, [`${url}/backup0`]);
    assert.match((await send('GET', `${url}/backup0/export`)).text, /^archive [0-9a-f-]{36}$/);
    await run('POST', `${url}/backup0`, { name: 'kept' });
    assert.equal((await send('GET', `${url}/backup0`)).status, 404);
    await run('POST', url, { name: 'other' });
    assert.equal((await send('POST', url, { name: 'other' })).status, 409);
    await run('DELETE', `${url}/other`);
    assert.equal(kept().length, 1);
    await run('DELETE', '/1.0/instances/c1');
    assert.deepEqual([kept(), api.cluster.view.list(BACKUPS)], [[], []]);
    await api.cluster.consistent();
  });

  it('ends when its day has come', async () => {
    await run('POST', url, { name: 'b1', expires_at: '2020-01-01T00:00:00Z' });
    await api.cluster.until('it is gone', () => api.cluster.view.list(BACKUPS).length === 0);
    await api.cluster.consistent();
  });

  it('is refused in a format that is not made', async () => {
    for (const [body, field] of [
      [{ optimized_storage: true }, /"optimized_storage"/],
      [{ compression_algorithm: 'rar' }, /"compression_algorithm"/],
      [{ name: '../x' }, /name/],
    ] as const) {
      const { status, json } = await send('POST', url, body);
      assert.ok([400, 501].includes(status), String(status));
      assert.match(json.error, field);
    }
    assert.deepEqual(kept(), []);
  });

  it('becomes an instance again, under another name if wished', async () => {
    assert.equal(await importing(index(), { 'x-lxd-name': 'new' }), 'Success');
    const { metadata } = (await send('GET', '/1.0/instances/new?recursion=1')).json;
    assert.deepEqual(
      [metadata.config['user.x'], metadata.description, metadata.snapshots.length],
      ['y', 'from there', 1],
    );
    assert.notEqual(metadata.config['volatile.uuid'], 'theirs');
    assert.match(await importing(index(), { 'x-lxd-name': 'c1' }), /already exists/);
    assert.match(await importing(index(), { 'x-lxd-name': 'n2', 'x-lxd-pool': 'none' }), /Storage pool "none"/);
    const uploads = [...api.cluster.world.hosts.values()].flatMap(host => [...host.uploads.keys()]);
    assert.deepEqual(uploads, []);
    await api.cluster.consistent();
  });

  for (const [what, text, why] of [
    ['no YAML', '{{{', /no YAML/],
    ['another thing', 'just: text', /not describe|Invalid/],
    ['a key that nobody knows', index({}, { container: { ...container, config: { 'no.such': '1' } } }), /"no.such"/],
    ['a profile that is not here', index({}, { container: { ...container, profiles: ['theirs'] } }), /"theirs"/],
  ] as const) {
    it(`is not taken in when it is ${what}`, async () => {
      assert.match(await importing(text), why);
      await api.cluster.consistent();
    });
  }

  it('says how the owners of its files are shifted', () => {
    const shifted = (text: string) =>
      contentsOf({
        index: index({}, { container: { ...container, config: { 'volatile.last_state.idmap': text } } }),
        config: '',
      }).idBase;
    const range = { Isuid: true, Isgid: true, Hostid: 1_000_000, Nsid: 0, Maprange: 1_000_000_000 };
    assert.equal(shifted('[]'), 0);
    assert.equal(shifted(JSON.stringify([range])), 1_000_000);
    assert.throws(() => shifted(JSON.stringify([range, { ...range, Nsid: 1000 }])), /mapped in parts/);
    assert.throws(() => shifted('nonsense'), /cannot be read/);
  });
});
