import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { run } from '../run.ts';
import { fakeIo } from '../testing/fake-server.ts';
import { makeCertificate } from './client-certificate.ts';
import { fingerprint } from './server-certificate.ts';

/** A server that trusts whoever brings the right password, by the certificate of the connection, as LXD does. */
let server: Server;
let folder: string;
let pem: string;
let address: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-remote-'));
  const { cert, key } = await makeCertificate('server', Date.now(), 'server');
  const trusted = new Set<string>();
  pem = cert;
  server = createServer(
    { cert, key, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' },
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const client = (request.socket as TLSSocket).getPeerCertificate().fingerprint256;
      const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
      if (request.method !== 'POST')
        return answer(200, { type: 'sync', metadata: { auth: trusted.has(client) ? 'trusted' : 'untrusted' } });
      const { password } = JSON.parse(Buffer.concat(chunks).toString());
      if (password !== 'right' && !parses(password))
        return answer(403, { type: 'error', error_code: 403, error: 'not authorized' });
      trusted.add(client);
      answer(200, { type: 'sync', metadata: null });
    },
  );
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
  await rm(folder, { recursive: true });
});

async function berth(words: readonly string[], stdin = '') {
  const { io, out, err } = fakeIo({ env: { BERTH_CONF: join(folder, 'config.yml') }, stdin });
  return { code: await run(words, io), out: out(), err: err() };
}

function parses(password: string): boolean {
  try {
    return JSON.parse(Buffer.from(password, 'base64').toString()).secret === 'once';
  } catch {
    return false;
  }
}

const token = (print: string) =>
  Buffer.from(
    JSON.stringify({ client_name: 'me', fingerprint: print, addresses: ['127.0.0.1:1', address], secret: 'once' }),
  ).toString('base64');

test('with a password and an accepted certificate the server is added, pinned and trusts us', async () => {
  const added = await berth(['remote', 'add', 'office', address, '--accept-certificate', '--password', 'right']);
  assert.deepEqual([added.code, added.err], [0, '']);
  assert.equal(await readFile(join(folder, 'servercerts/office.crt'), 'utf8').then(fingerprint), fingerprint(pem));
  assert.match((await berth(['remote', 'list', '-f', 'csv'])).out, new RegExp(`office,https://${address},lxd,NO,NO`));
});

test('a wrong password leaves nothing behind', async () => {
  const added = await berth(['remote', 'add', 'office', address, '--accept-certificate', '--password', 'wrong']);
  assert.equal(added.code, 1);
  assert.match(added.err, /not authorized/);
  await assert.rejects(readFile(join(folder, 'servercerts/office.crt')));
  assert.doesNotMatch((await berth(['remote', 'list'])).out, /office/);
});

test('a token alone is enough: its addresses are tried in turn and its fingerprint vouches for the server', async () => {
  const added = await berth(['remote', 'add', token(fingerprint(pem))]);
  assert.deepEqual([added.code, added.err], [0, '']);
  assert.match((await berth(['remote', 'list', '-f', 'csv'])).out, new RegExp(`127.0.0.1,https://${address},`));
});

test('a token of another server is refused before anything is sent', async () => {
  const added = await berth(['remote', 'add', 'office', token('00'.repeat(32))]);
  assert.equal(added.code, 1);
  assert.match(added.err, /fingerprint mismatch/);
});

test('the user is asked about the certificate, and may answer with its fingerprint', async () => {
  const no = await berth(['remote', 'add', 'office', address, '--password', 'right'], 'n\n');
  assert.equal(no.code, 1);
  assert.match(no.err, new RegExp(`Certificate fingerprint: ${fingerprint(pem)}`));
  const yes = await berth(['remote', 'add', 'office', address, '--password', 'right'], `${fingerprint(pem)}\n`);
  assert.deepEqual([yes.code], [0], yes.err);
});
