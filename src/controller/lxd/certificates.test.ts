/** The ways to become trusted, each as its clients walk it. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { fingerprintOf, type Identity } from '../../kit/certificates.ts';
import { openTestApi, type TestApi } from './testing/test-api.ts';

let api: TestApi;
let friend: Identity;
beforeEach(async () => {
  api = await openTestApi({ hosts: ['n1'] });
  friend = await api.client();
});
afterEach(() => api.close());

const auth = async (as: Identity | 'stranger') =>
  (await api.front.send('GET', '/1.0', {}, as)).json.metadata.auth as string;
const post = (body: object, as?: Identity | 'stranger') => api.front.send('POST', '/1.0/certificates', { body }, as);
const setPassword = () => api.front.send('PUT', '/1.0', { body: { config: { 'core.trust_password': 'hush' } } });
const der = (identity: Identity) => new X509Certificate(identity.cert).raw.toString('base64');

describe('trust', () => {
  it('comes with the password: the certificate is the one of the connection', async () => {
    await setPassword();
    const lxc = { name: '', type: 'client', certificate: '', password: 'hush', token: false };
    assert.equal((await post({ ...lxc, password: 'wrong' }, friend)).status, 403);
    assert.equal(await auth(friend), 'untrusted');
    const added = await post(lxc, friend);
    assert.equal(added.status, 201, added.text);
    assert.equal(added.headers.location, `/1.0/certificates/${fingerprintOf(friend.cert)}`);
    assert.equal(await auth(friend), 'trusted');
  });

  it('is refused with any password while none is set', async () => {
    for (const password of ['', 'true', 'undefined']) assert.equal((await post({ password }, friend)).status, 403);
  });

  it('stays when Ansible sends the password again on every run, with the one text that it ignores', async () => {
    await setPassword();
    const ansible = { type: 'client', password: 'hush' };
    assert.equal((await post(ansible, friend)).status, 201);
    const again = await post(ansible, friend);
    assert.deepEqual(
      [again.status, again.json.error_code, again.json.error],
      [409, 409, 'Certificate already in trust store'],
    );
  });

  it('takes a certificate as PEM body with line breaks (pylxd) and as base64 of its DER (Juju)', async () => {
    await setPassword();
    const body = friend.cert
      .split('\n')
      .filter(line => !line.startsWith('-----'))
      .join('\n');
    assert.equal((await post({ type: 'client', certificate: body, password: 'hush' }, 'stranger')).status, 201);
    const juju = await api.client();
    assert.equal(
      (await post({ name: 'juju', type: 'client', certificate: der(juju), password: 'hush' }, 'stranger')).status,
      201,
    );
    assert.equal(await auth(friend), 'trusted');
    assert.equal(await auth(juju), 'trusted');
    assert.match((await post({ certificate: 'nonsense' })).json.error, /"certificate"/);
  });

  it('comes with a token, once', async () => {
    const made = await post({ name: 'laptop', type: 'client', token: true });
    assert.equal(made.status, 202, made.text);
    const { class: kind, status_code, metadata } = made.json.metadata;
    assert.deepEqual([kind, status_code], ['token', 103]);
    assert.equal(metadata.fingerprint, fingerprintOf(api.front.certificate));
    assert.equal(metadata.request.name, 'laptop');
    const listed = (await api.front.send('GET', '/1.0/operations?project=default&recursion=1')).json.metadata;
    assert.equal(listed.running[0].id, made.json.metadata.id);

    const { secret, fingerprint, addresses } = metadata;
    const text = Buffer.from(
      JSON.stringify({ client_name: 'laptop', fingerprint, addresses, secret, expires_at: metadata.expiresAt }),
    ).toString('base64');
    assert.equal((await post({ password: text }, friend)).status, 201);
    assert.equal(await auth(friend), 'trusted');
    const [record] = (await api.front.send('GET', '/1.0/certificates?recursion=1')).json.metadata;
    assert.equal(record.name, 'laptop');
    assert.equal((await post({ password: text }, await api.client())).status, 403);
    assert.deepEqual((await api.front.send('GET', '/1.0/operations')).json.metadata, {});
  });

  it('of two who bring the same token at once exactly one gets it', async () => {
    const { metadata } = (await post({ name: 'x', token: true })).json.metadata;
    const text = Buffer.from(JSON.stringify({ secret: metadata.secret })).toString('base64');
    const both = await Promise.all([friend, await api.client()].map(each => post({ password: text }, each)));
    assert.deepEqual(both.map(({ status }) => status).sort(), [201, 403]);
  });

  it('is not given by a revoked token', async () => {
    const { id, metadata } = (await post({ name: 'x', token: true })).json.metadata;
    assert.equal((await api.front.send('DELETE', `/1.0/operations/${id}`)).status, 200);
    const text = Buffer.from(JSON.stringify({ secret: metadata.secret })).toString('base64');
    assert.equal((await post({ password: text }, friend)).status, 403);
  });

  it('ends when the certificate is removed, by the beginning of its fingerprint too', async () => {
    await post({ certificate: der(friend), name: 'f' });
    assert.equal(await auth(friend), 'trusted');
    const short = fingerprintOf(friend.cert).slice(0, 12);
    assert.equal((await api.front.send('GET', `/1.0/certificates/${short}`)).status, 200);
    assert.equal((await api.front.send('DELETE', `/1.0/certificates/${short}`)).status, 200);
    assert.equal(await auth(friend), 'untrusted');
  });

  it('of a restricted certificate does not reach what belongs to all', async () => {
    await post({ certificate: der(friend), name: 'f', restricted: true, projects: ['default'] });
    assert.equal((await api.front.send('GET', '/1.0/instances', {}, friend)).status, 200);
    for (const [method, path] of [
      ['PUT', '/1.0'],
      ['POST', '/1.0/networks'],
      ['POST', '/1.0/cluster/members'],
      ['DELETE', '/1.0/certificates/x'],
    ] as const) {
      assert.equal((await api.front.send(method, path, { body: {} }, friend)).status, 403, `${method} ${path}`);
    }
    assert.equal((await post({ token: true, name: 'x' }, friend)).status, 403);
  });

  it('of a metrics certificate reaches metrics only', async () => {
    await post({ certificate: der(friend), name: 'prometheus', type: 'metrics' });
    assert.equal((await api.front.send('GET', '/1.0/metrics', {}, friend)).status, 200);
    assert.equal((await api.front.send('GET', '/1.0/instances', {}, friend)).status, 403);
  });

  it('asks nothing of who is trusted already and sends nothing', async () => {
    const nothing = await post({ type: 'client' });
    assert.deepEqual([nothing.status, nothing.json.error], [400, 'Client is already trusted']);
  });

  it('is the same at every front end, which all show the same certificate', async () => {
    const other = await api.another('c2');
    assert.equal(other.certificate, api.front.certificate);
    await post({ certificate: der(friend), name: 'f' });
    await api.cluster.until(
      'the other front end knows it',
      () => other.controller.view.revision >= api.front.controller.view.revision,
    );
    assert.equal((await other.send('GET', '/1.0', {}, friend)).json.metadata.auth, 'trusted');
  });

  it('is known again on a TLS session that is taken up again', async () => {
    await post({ certificate: der(friend), name: 'f' });
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
    const [host, port] = api.front.address.split(':');
    const seen: { readonly reused: boolean; readonly auth: string }[] = [];
    for (let i = 0; i < 2; i++) {
      const options = { host, port, path: '/1.0', agent, rejectUnauthorized: false, ...friend };
      const [response] = (await once(request(options).end(), 'response')) as [IncomingMessage];
      const reused = (response.socket as TLSSocket).isSessionReused();
      seen.push({ reused, auth: JSON.parse(Buffer.concat(await response.toArray()).toString()).metadata.auth });
    }
    agent.destroy();
    assert.deepEqual(seen, [
      { reused: false, auth: 'trusted' },
      { reused: true, auth: 'trusted' },
    ]);
  });
});
