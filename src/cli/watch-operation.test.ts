import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { operation, started, startFakeServer } from './testing/fake-server.ts';

const DONE = { status: 'Success', status_code: 200 };

/** A stop that goes on until its progress has been sent to whoever listens. */
async function stopWithProgress(withEvents: boolean) {
  let finish = () => {};
  const finished = new Promise<void>(resolve => {
    finish = resolve;
  });
  const events = (socket: WebSocket) => {
    const event = (id: string, text: string) => ({
      type: 'operation',
      timestamp: '',
      metadata: operation({ id, metadata: { stop_progress: text } }),
    });
    socket.send(JSON.stringify(event('another', 'not mine 77%')));
    socket.send(JSON.stringify(event('op1', 'Unpack: 42%')), () => setTimeout(finish, 20));
  };
  if (!withEvents) setTimeout(finish, 300);
  const routes = {
    'PUT /1.0/instances/c1/state': started(),
    'GET /1.0/operations/op1/wait': () => finished.then(() => operation(DONE)),
  };
  return startFakeServer(routes, withEvents ? { '/1.0/events': events } : {});
}

test('on a terminal the progress of the own operation is shown, and cleared at the end', async () => {
  await using server = await stopWithProgress(true);
  const { code, out, err } = await server.run(['stop', 'c1'], { terminal: true });
  assert.deepEqual([code, out], [0, '']);
  assert.match(err, /Stopping c1: Unpack: 42%/);
  assert.doesNotMatch(err, /not mine/);
  assert.ok(err.endsWith('\r\x1b[K'));
});

test('a server without an event stream is waited for all the same', async () => {
  await using server = await stopWithProgress(false);
  const { code, err } = await server.run(['stop', 'c1'], { terminal: true });
  assert.equal(code, 0);
  assert.match(err, /Stopping c1/);
});

test('nothing is shown without a terminal, or with --quiet', async () => {
  for (const [words, terminal] of [
    [['stop', 'c1'], false],
    [['stop', 'c1', '-q'], true],
  ] as const) {
    await using server = await stopWithProgress(false);
    assert.deepEqual(await server.run(words, { terminal }), { code: 0, out: '', err: '' });
  }
});
