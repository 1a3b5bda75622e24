import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fingerprintOf, makeAuthority, makeSelfSigned, signRequest } from '../kit/certificates.ts';
import { agentUri } from '../rpc/identity.ts';
import { joinCluster, parseToken } from './join.ts';

describe('join', () => {
  let server: Server;
  let address: string;
  let fingerprint: string;
  let asked: Record<string, string>[];
  let refuse: string | undefined;
  let data: string;

  before(async () => {
    const authority = await makeAuthority('test');
    const identity = await makeSelfSigned('controller');
    fingerprint = fingerprintOf(identity.cert);
    server = createServer({ ...identity, minVersion: 'TLSv1.3' }, async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
      asked.push(body);
      if (refuse !== undefined) {
        response.statusCode = 403;
        return response.end(JSON.stringify({ type: 'error', error: refuse, error_code: 403 }));
      }
      const names = [{ type: 'url', value: agentUri(body.server_name!) }] as const;
      const certificate = await signRequest(authority, body.csr!, body.server_name!, names);
      const metadata = { ca: authority.cert, certificate, controllers: ['c1'] };
      return response.end(JSON.stringify({ type: 'sync', metadata }));
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  beforeEach(async () => {
    asked = [];
    refuse = undefined;
    data = await mkdtemp(join(tmpdir(), 'berth-join-'));
  });
  afterEach(() => rm(data, { recursive: true }));

  const token = (change: object = {}) => {
    const whole = { server_name: 'n1', fingerprint, addresses: [address], secret: 's3cret', expires_at: '', ...change };
    return Buffer.from(JSON.stringify(whole)).toString('base64');
  };
  const joinWith = (text: string) => joinCluster({ token: text, data, address: '198.18.0.11:8444' });

  it('brings back a certificate for its own key, readable by root alone', async () => {
    assert.equal(
      await joinWith(token({ addresses: ['127.0.0.1:1', address] })),
      'n1',
      'the second address is tried too',
    );
    assert.equal(asked[0]!.secret, 's3cret');
    assert.equal(asked[0]!.address, '198.18.0.11:8444');
    const read = (name: string) => readFile(join(data, 'tls', name), 'utf8');
    assert.match(await read('agent.key'), /PRIVATE KEY/);
    assert.match(await read('agent.crt'), /CERTIFICATE/);
    assert.equal((await stat(join(data, 'tls/agent.key'))).mode & 0o777, 0o600);
    assert.match(await readFile(join(data, 'agent.yaml'), 'utf8'), /name: n1\n(.*\n)*listen: 198\.18\.0\.11:8444/);
  });

  it('sends nothing to a server with another certificate', async () => {
    await assert.rejects(joinWith(token({ fingerprint: 'a'.repeat(64) })), /not the controller that made this token/);
    assert.deepEqual(asked, []);
  });

  it('says why it was refused, and where nobody answers', async () => {
    refuse = 'the token was used already';
    await assert.rejects(joinWith(token()), /the token was used already/);
    await assert.rejects(
      joinWith(token({ addresses: ['127.0.0.1:1'] })),
      /no controller could be reached: 127\.0\.0\.1:1/,
    );
  });

  it('tells a damaged or expired token from a good one', () => {
    assert.throws(() => parseToken('not base64 json'), /not a join token/);
    assert.throws(() => parseToken(token({ secret: undefined })), /damaged \(secret\)/);
    const expires = '2026-01-01T00:00:00Z';
    assert.throws(() => parseToken(token({ expires_at: expires }), Date.parse(expires) + 1), /expired/);
    assert.equal(parseToken(token({ expires_at: expires }), Date.parse(expires) - 1).server_name, 'n1');
  });
});
