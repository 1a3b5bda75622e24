/** The store is away: who reads gets an answer and a caution, who writes is told, and nothing is half done. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AppError } from '../../domain/errors.ts';
import { systemClock } from '../../kit/clock.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import { openView } from '../../store/view.ts';
import type { Engine } from '../saga/engine.ts';
import { quietLog } from '../testing/test-cluster.ts';
import { ensureSecrets } from '../trust/secrets.ts';
import { serveLxd } from './lxd-server.ts';
import { IMAGE, openTestApi, type TestApi } from './testing/test-api.ts';

describe('a write without the store', { timeout: 30_000 }, () => {
  let api: TestApi;
  let isAway: boolean;
  beforeEach(async () => {
    isAway = false;
    const effects = () => {
      if (isAway) throw new AppError('unavailable', 'the store cannot be reached; try again');
    };
    api = await openTestApi({ effects });
    const { status } = await api.front.run('POST', '/1.0/instances', { name: 'c1', source });
    assert.equal(status, 'Success');
  });
  afterEach(() => {
    isAway = false;
    return api.close();
  });

  const source = { type: 'image', fingerprint: IMAGE };
  for (const [what, method, path, body] of [
    ['a new instance', 'POST', '/1.0/instances', { name: 'c2', source }],
    ['a change of state', 'PUT', '/1.0/instances/c1/state', { action: 'start' }],
    ['a rename', 'POST', '/1.0/instances/c1', { name: 'c3' }],
    ['a deletion', 'DELETE', '/1.0/instances/c1', undefined],
    ['a profile', 'POST', '/1.0/profiles', { name: 'p' }],
    ['a token', 'POST', '/1.0/certificates', { name: 't', token: true }],
    ['an alias', 'POST', '/1.0/images/aliases', { name: 'a', target: IMAGE }],
  ] as const) {
    it(`is refused with 503 and leaves nothing behind: ${what}`, async () => {
      const { front, cluster } = api;
      const before = cluster.picture();
      const { revision } = cluster.view;
      isAway = true;
      const refused = await front.send(method, path, body === undefined ? {} : { body });
      isAway = false;
      assert.deepEqual([refused.status, refused.json.error_code], [503, 503], refused.text);
      assert.match(refused.json.error, /store cannot be reached/);
      assert.deepEqual(cluster.picture(), before);
      assert.equal(cluster.view.revision, revision);
    });
  }
});

it('readers are answered without the store, with a warning how old the answer may be', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-api-'));
  const socketPath = join(folder, 'socket');
  const store = openMemoryStore();
  const following = new AbortController();
  const view = await openView(store, [''], following.signal);
  const engine = {} as Engine;
  const agents = { of: () => assert.fail('nobody is asked') };
  const http = await serveLxd({
    name: 'c1',
    core: { store, view, clock: systemClock, agents, engine },
    bulk: {
      upload: () => assert.fail(),
      backup: () => assert.fail(),
      download: () => assert.fail(),
      files: () => assert.fail(),
    },
    secrets: await ensureSecrets(store, []),
    log: quietLog,
    socket: socketPath,
  });
  const warning = () =>
    new Promise<unknown>((resolve, reject) => {
      const get = request({ socketPath, path: '/1.0/profiles?recursion=1', agent: false }, response => {
        response.resume();
        assert.equal(response.statusCode, 200);
        resolve(response.headers.warning);
      });
      get.once('error', reject).end();
    });
  try {
    assert.equal(await warning(), undefined);
    const stalled = new Promise<void>(resolve => {
      const look = () => (view.stale ? resolve() : setImmediate(look));
      look();
    });
    store.setReachable(false);
    await stalled;
    assert.match(String(await warning()), /^199 - "the store \(etcd\) cannot be reached: state may be \d+ s old"$/);
  } finally {
    await http.close();
    following.abort();
    await store.close();
    await rm(folder, { recursive: true });
  }
});
