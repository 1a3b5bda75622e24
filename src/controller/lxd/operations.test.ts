/** Operations and events as the Go library, pylxd and Ansible follow them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { WebSocket } from 'ws';
import type { ApiEvent } from './event-feed.ts';
import { type Front, IMAGE, openTestApi, type TestApi } from './testing/test-api.ts';

let api: TestApi;
before(async () => {
  api = await openTestApi();
});
after(() => api.close());

const create = (name: string) => ({ name, source: { type: 'image', fingerprint: IMAGE } });

interface Listener {
  readonly socket: WebSocket;
  readonly events: readonly ApiEvent[];
  /** The first event, past or to come, that `is` it. */
  told(is: (event: ApiEvent) => boolean): Promise<ApiEvent>;
}

/** Connected, and collecting everything that is said. */
async function listen(front: Front, query = ''): Promise<Listener> {
  const socket = front.websocket(`/1.0/events${query}`);
  const events: ApiEvent[] = [];
  let waiting: { readonly is: (event: ApiEvent) => boolean; readonly found: (event: ApiEvent) => void }[] = [];
  socket.on('message', data => {
    const event = JSON.parse(String(data)) as ApiEvent;
    events.push(event);
    for (const { is, found } of waiting) if (is(event)) found(event);
    waiting = waiting.filter(({ is }) => !is(event));
  });
  await once(socket, 'open');
  return {
    socket,
    events,
    told: is => {
      const past = events.find(is);
      return past ? Promise.resolve(past) : new Promise(found => waiting.push({ is, found }));
    },
  };
}

describe('an operation', () => {
  it('is told whole at once, with URLs under both names, and an address without query', async () => {
    const begun = await api.front.send('POST', '/1.0/instances?project=default', { body: create('c1') });
    assert.equal(begun.status, 202);
    assert.deepEqual([begun.json.type, begun.json.status_code, begun.json.status], ['async', 100, 'Operation created']);
    assert.match(begun.json.operation, /^\/1\.0\/operations\/[0-9a-f-]{36}$/);
    assert.equal(begun.headers.location, begun.json.operation);
    const { metadata } = begun.json;
    assert.equal(metadata.class, 'task');
    assert.deepEqual(metadata.resources, { instances: ['/1.0/instances/c1'], containers: ['/1.0/containers/c1'] });
    // Ansible: the address with "/wait", no project; the answer is a success also of a failure.
    const waited = await api.front.send('GET', `${begun.json.operation}/wait`);
    assert.deepEqual([waited.status, waited.json.type], [200, 'sync']);
    assert.deepEqual([waited.json.metadata.status, waited.json.metadata.status_code], ['Success', 200]);
    // pylxd: once more.
    assert.equal((await api.front.send('GET', begun.json.operation)).json.metadata.status, 'Success');
  });

  it('that failed says why, in an answer that is a success', async () => {
    const failed = await api.front.run('POST', '/1.0/instances', {
      ...create('big'),
      config: { 'limits.memory': '64GiB' },
    });
    assert.deepEqual([failed.status, failed.status_code], ['Failure', 400]);
    assert.match(failed.err, /0 of 2 hosts: 2 not enough memory/);
  });

  it('is seen at every front end, whoever carries it out', async () => {
    const other = await api.another('c2');
    const begun = await api.front.send('POST', '/1.0/instances', { body: create('c2') });
    const there = await other.send('GET', `${begun.json.operation}/wait?timeout=10`);
    assert.equal(there.json.metadata.status, 'Success', there.text);
  });

  it('is waited for no longer than asked', async () => {
    const { id } = (await api.front.send('POST', '/1.0/certificates', { body: { name: 'x', token: true } })).json
      .metadata;
    const beganAt = performance.now();
    const waited = await api.front.send('GET', `/1.0/operations/${id}/wait?timeout=0.2`);
    assert.equal(waited.json.metadata.status, 'Running');
    assert.ok(performance.now() - beganAt < 2000);
    await api.front.send('DELETE', `/1.0/operations/${id}`);
  });

  it('is listed under its status', async () => {
    const grouped = (await api.front.send('GET', '/1.0/operations?recursion=1')).json.metadata;
    assert.ok(grouped.success.length >= 1);
    assert.ok(grouped.failure.every((each: { status: string }) => each.status === 'Failure'));
    const urls = (await api.front.send('GET', '/1.0/operations')).json.metadata;
    assert.match(urls.success[0], /^\/1\.0\/operations\//);
  });

  it('that does not exist is not found, and one that is over cannot be cancelled', async () => {
    assert.equal((await api.front.send('GET', '/1.0/operations/no-such-thing')).status, 404);
    const { id } = await api.front.run('POST', '/1.0/instances', create('c3'));
    assert.equal((await api.front.send('DELETE', `/1.0/operations/${id}`)).status, 400);
  });
});

describe('events', { timeout: 10_000 }, () => {
  it('tell a subscriber who came before the request how its operation ended', async () => {
    const { socket, events, told } = await listen(api.front);
    const begun = await api.front.send('POST', '/1.0/instances', { body: create('e1') });
    const { id } = begun.json.metadata;
    await told(endOf(id));
    const mine = events.filter(({ metadata }) => (metadata as { id?: string }).id === id);
    assert.ok(mine.every(({ type, project }) => type === 'operation' && project === 'default'));
    const { metadata } = await told(action('instance-created'));
    assert.equal((metadata as { source: string }).source, '/1.0/instances/e1');
    socket.close();
  });

  it('tell at one front end what another did, and which host it was about', async () => {
    const other = await api.another('c4');
    const { socket, told } = await listen(other, '?type=operation,lifecycle&target=n1');
    const { id } = await api.front.run('POST', '/1.0/instances', create('e2'));
    await told(endOf(id));
    await api.front.run('PUT', '/1.0/instances/e2/state', { action: 'start' });
    assert.match((await told(action('instance-started'))).location, /^n[12]$/);
    socket.close();
  });

  it('of a type are told alone when only they are wanted', async () => {
    const { socket, events, told } = await listen(api.front, '?type=lifecycle&project=default');
    await api.front.run('POST', '/1.0/instances', create('e3'));
    await told(action('instance-created'));
    assert.ok(events.every(({ type }) => type === 'lifecycle'));
    socket.close();
  });

  it('are refused with plain answers when the request makes no sense', async () => {
    for (const [path, status] of [
      ['/1.0/events', 400], // no upgrade asked for
      ['/1.0/events?type=weather', 400],
      ['/1.0/events?project=default&all-projects=true', 400],
    ] as const) {
      assert.equal((await api.front.send('GET', path)).status, status, path);
    }
    const socket = api.front.websocket('/1.0/events?type=weather');
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    assert.equal(response.statusCode, 400);
    socket.on('error', () => {});
    socket.terminate();
  });
});

const endOf = (id: string) => (event: ApiEvent) => {
  const operation = event.metadata as { id?: string; status_code?: number };
  return operation.id === id && operation.status_code === 200;
};

const action = (wanted: string) => (event: ApiEvent) => (event.metadata as { action?: string }).action === wanted;
