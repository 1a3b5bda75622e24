import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { AppError } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import { operation, refusal, type Seen, startFakeServer } from '../testing/fake-server.ts';
import { Client } from './client.ts';
import { progressOf, untilFinal, waitFor } from './operation.ts';

/** A clock whose sleeps take no time but count. */
function fastClock(): Clock {
  let now = 0;
  const sleep = async (ms: number) => {
    now += ms;
  };
  return { now: () => now, sleep };
}

test('waits again and again until the operation is final', async () => {
  let asked = 0;
  await using server = await startFakeServer({
    'GET /1.0/operations/op1/wait': () =>
      operation(++asked < 3 ? {} : { status: 'Success', status_code: 200, metadata: { fingerprint: 'f' } }),
  });
  const client = new Client({ kind: 'unix', socketPath: server.socketPath });
  const done = await waitFor(client, operation());
  client.close();
  assert.equal(asked, 3);
  assert.deepEqual(done.metadata, { fingerprint: 'f' });
});

test('an operation that failed throws its own words', async () => {
  await using server = await startFakeServer({
    'GET /1.0/operations/op1/wait': operation({ status: 'Failure', status_code: 400, err: 'no room' }),
  });
  const client = new Client({ kind: 'unix', socketPath: server.socketPath });
  await assert.rejects(waitFor(client, operation()), { message: 'no room' });
  client.close();
});

test('a connection that breaks in the middle of a wait costs nothing', async () => {
  let asked = 0;
  await using server = await startFakeServer({
    'GET /1.0/operations/op1/wait': (_request: Seen, response: ServerResponse) => {
      if (++asked === 1) response.destroy();
      return operation({ status: 'Success', status_code: 200 });
    },
  });
  const client = new Client({ kind: 'unix', socketPath: server.socketPath });
  assert.equal((await waitFor(client, operation(), fastClock())).status, 'Success');
  client.close();
  assert.equal(asked, 2);
});

test('a server that answers 503 for a while is asked again', async () => {
  let asked = 0;
  await using server = await startFakeServer({
    'GET /1.0/operations/op1/wait': () =>
      ++asked < 4 ? refusal(503, 'no leader') : operation({ status: 'Success', status_code: 200 }),
  });
  const client = new Client({ kind: 'unix', socketPath: server.socketPath });
  assert.equal((await untilFinal(client, operation(), fastClock())).status, 'Success');
  client.close();
});

test('a server that stays away is given up, and the outcome called unknown', async () => {
  const client = new Client({ kind: 'unix', socketPath: '/nonexistent/unix.socket' });
  const clock = fastClock();
  await assert.rejects(
    waitFor(client, operation(), clock),
    (error: AppError) => error.code === 'deadline' && /may still be done/.test(error.message),
  );
  assert.ok(clock.now() >= 15_000);
});

test('the first progress text is shown, and only text', () => {
  assert.equal(
    progressOf(operation({ metadata: { a: 1, create_progress: 'Unpack: 4%', other_progress: 'x' } })),
    'Unpack: 4%',
  );
  assert.equal(progressOf(operation({ metadata: { x_progress: 5 } })), undefined);
  assert.equal(progressOf(operation()), undefined);
});
