import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { AppError } from '../../domain/errors.ts';
import { makeCertificate } from '../remotes/client-certificate.ts';
import { refusal, startFakeServer } from '../testing/fake-server.ts';
import { Client } from './client.ts';
import { parseAnswer } from './envelope.ts';
import { at, lastSegment, withQuery } from './path.ts';

test('names are one segment of a path, whatever they hold', () => {
  assert.equal(at`images/aliases/${'debian/12'}`, '/1.0/images/aliases/debian%2F12');
  assert.equal(at`instances/${'a b?c#d'}/state`, '/1.0/instances/a%20b%3Fc%23d/state');
  assert.equal(lastSegment('/1.0/images/aliases/debian%2F12?project=p'), 'debian/12');
  assert.equal(withQuery('/1.0', { a: undefined, b: true, c: 2 }), '/1.0?b=true&c=2');
});

test('refusals carry the words of the server and a code of ours', async () => {
  await using server = await startFakeServer({
    'GET /1.0/instances/c1': refusal(404, 'Instance not found'),
    'PUT /1.0': refusal(412, 'ETag mismatch'),
  });
  const client = new Client({ kind: 'unix', socketPath: server.socketPath });
  await assert.rejects(client.get('/1.0/instances/c1'), { code: 'not-found', message: 'Instance not found' });
  await assert.rejects(client.send('PUT', '/1.0', { body: {}, etag: 'x' }), { code: 'conflict' });
  assert.equal(await client.find('/1.0/instances/c1'), undefined);
  assert.equal(server.seen[1]?.headers['if-match'], 'x');
  client.close();
});

test('what is no LXD server is called that', () => {
  assert.throws(() => parseAnswer(200, '<html>hello</html>'), /not JSON: <html>/);
  assert.throws(() => parseAnswer(200, '{"a":1}'), /without an LXD envelope/);
});

test('a missing controller is told with what to do', async () => {
  const client = new Client({ kind: 'unix', socketPath: '/nonexistent/unix.socket' });
  await assert.rejects(
    client.get('/1.0'),
    (error: AppError) => error.code === 'unavailable' && /BERTH_SOCKET/.test(error.message),
  );
});

test('the project of a client goes with every call', async () => {
  await using server = await startFakeServer({ 'GET /1.0/instances': [] });
  const client = new Client({ kind: 'unix', socketPath: server.socketPath }, { project: 'p' });
  await client.get('/1.0/instances', { recursion: 1 });
  client.close();
  assert.equal(server.seen[0]?.path, '/1.0/instances?project=p&recursion=1');
});

test('only the pinned certificate is spoken to, and nothing is sent to another', async () => {
  const [real, other] = await Promise.all([
    makeCertificate('real', Date.now(), 'server'),
    makeCertificate('other', Date.now(), 'server'),
  ]);
  let requests = 0;
  const server = createServer({ cert: real.cert, key: real.key, minVersion: 'TLSv1.3' }, (_request, response) => {
    requests++;
    response.end('{"type":"sync","metadata":"hello"}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [good, bad] = [real, other].map(({ cert }) => new Client({ kind: 'https', url, serverCertificate: cert }));
  try {
    assert.equal(await good!.get('/1.0'), 'hello');
    await assert.rejects(bad!.get('/1.0'), { code: 'forbidden' });
    assert.equal(requests, 1);
  } finally {
    good!.close();
    bad!.close();
    server.close();
  }
});
