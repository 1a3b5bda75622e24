import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operation } from '../testing/fake-server.ts';
import { serverUrl } from './add-remote.ts';
import { parseRemotes } from './config-file.ts';
import { localSocket } from './local-socket.ts';
import { formatReference, parseReference, splitRemote } from './reference.ts';
import {
  addRemote,
  DEFAULT_REMOTES,
  type Remote,
  removeRemote,
  renameRemote,
  setRemoteUrl,
  switchRemote,
} from './remote.ts';
import { joinTokenOf, parseTrustToken, requireJoinToken, trustTokenOf } from './token.ts';

const office: Remote = { addr: 'https://10.0.0.1:8443', protocol: 'lxd', public: false };
const withOffice = addRemote(DEFAULT_REMOTES, 'office', office);

test('a reference without a colon means the default remote', () => {
  assert.deepEqual(parseReference('c1', DEFAULT_REMOTES), { remote: 'local', name: 'c1' });
  assert.deepEqual(parseReference('c1', switchRemote(withOffice, 'office')), { remote: 'office', name: 'c1' });
  assert.deepEqual(parseReference('office:', withOffice), { remote: 'office', name: '' });
  assert.deepEqual(parseReference('ubuntu:22.04', withOffice), { remote: 'ubuntu', name: '22.04' });
  assert.throws(() => parseReference('nope:c1', withOffice), { message: `The remote "nope" doesn't exist` });
  assert.throws(() => parseReference('constructor:c1', withOffice), { code: 'not-found' });
  assert.equal(formatReference({ remote: 'office', name: 'c1' }, withOffice), 'office:c1');
});

test('a remote before filters is told from a filter', () => {
  assert.deepEqual(splitRemote([], withOffice), { remote: 'local', rest: [] });
  assert.deepEqual(splitRemote(['web', 'status=running'], withOffice), {
    remote: 'local',
    rest: ['web', 'status=running'],
  });
  assert.deepEqual(splitRemote(['office:', 'web'], withOffice), { remote: 'office', rest: ['web'] });
  assert.deepEqual(splitRemote(['office:web'], withOffice), { remote: 'office', rest: ['web'] });
});

test('static remotes do not change, and the current one does not go away', () => {
  assert.throws(() => removeRemote(withOffice, 'local'), /static/);
  assert.throws(() => setRemoteUrl(withOffice, 'ubuntu', 'https://x'), /static/);
  assert.throws(() => removeRemote(switchRemote(withOffice, 'office'), 'office'), /default remote/);
  assert.throws(() => addRemote(withOffice, 'office', office), { code: 'exists' });
  for (const name of ['', 'a:b', 'a/b', '../x', '.x', 'a b'])
    assert.throws(() => addRemote(withOffice, name, office), { code: 'invalid' });
});

test('a renamed remote stays the current one', () => {
  const renamed = renameRemote(switchRemote(withOffice, 'office'), 'office', 'work');
  assert.equal(renamed.defaultRemote, 'work');
  assert.deepEqual(renamed.remotes.work, office);
  assert.equal(renamed.remotes.office, undefined);
});

test("the file of LXD's own client can be read", () => {
  const { defaultRemote, remotes } = parseRemotes({
    'default-remote': 'office',
    remotes: {
      office: { addr: 'https://10.0.0.1:8443', auth_type: 'tls', public: false },
      local: { addr: 'https://evil' },
    },
    aliases: { shell: 'exec' },
  });
  assert.equal(defaultRemote, 'office');
  assert.deepEqual(remotes.office, office);
  assert.equal(remotes.local?.addr, 'unix://');
  assert.deepEqual(parseRemotes(null), DEFAULT_REMOTES);
  assert.throws(() => parseRemotes({ remotes: { x: { protocol: 'lxd' } } }), /no addr/);
  assert.throws(
    () => parseRemotes({ remotes: { x: { addr: 'https://x', protocol: 'ftp' } } }),
    /unknown protocol "ftp"/,
  );
});

test('addresses get the scheme and port of LXD unless they say otherwise', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['10.0.0.1', 'https://10.0.0.1:8443'],
    ['host:9443', 'https://host:9443'],
    ['https://host', 'https://host:8443'],
    ['https://host:443', 'https://host:443'],
    ['https://host:9443/', 'https://host:9443'],
    ['[::1]', 'https://[::1]:8443'],
    ['[::1]:9443', 'https://[::1]:9443'],
  ];
  for (const [given, wanted] of cases) assert.equal(serverUrl(given), wanted);
  assert.equal(serverUrl('https://images.example.com/lxc/', 'simplestreams'), 'https://images.example.com/lxc');
  assert.throws(() => serverUrl('http://host'), /https/);
});

test('the local socket is what the environment names, then the one of the checkout, then the installed one', () => {
  const dev = '/home/me/berth/var/dev/controller/unix.socket';
  const only = (path: string) => (candidate: string) => candidate === path;
  assert.equal(localSocket({ BERTH_SOCKET: '/a', LXD_DIR: '/b' }, '/x', only(dev)), '/a');
  assert.equal(localSocket({ LXD_DIR: '/b' }, '/x', only(dev)), '/b/unix.socket');
  assert.equal(localSocket({}, '/home/me/berth/src/cli/remotes', only(dev)), dev);
  assert.equal(localSocket({}, '/usr/lib/berth/src/cli', only(dev)), '/var/lib/berth/controller/unix.socket');
});

test('tokens are what LXD makes of the same operation, and are told from addresses', () => {
  const metadata = { secret: 's', fingerprint: 'f', addresses: ['10.0.0.1:8443'], expiresAt: '2030-01-01T00:00:00Z' };
  const trust = trustTokenOf(operation({ metadata: { ...metadata, request: { name: 'laptop' } } }));
  assert.deepEqual(parseTrustToken(trust), {
    client_name: 'laptop',
    fingerprint: 'f',
    addresses: ['10.0.0.1:8443'],
    secret: 's',
    expires_at: '2030-01-01T00:00:00Z',
  });
  for (const text of ['10.0.0.1', 'https://host:8443', '', 'e30=']) assert.equal(parseTrustToken(text), undefined);
  const join = joinTokenOf(operation({ metadata: { ...metadata, serverName: 'n1' } }));
  assert.deepEqual(JSON.parse(Buffer.from(join, 'base64').toString()), {
    server_name: 'n1',
    fingerprint: 'f',
    addresses: ['10.0.0.1:8443'],
    secret: 's',
    expires_at: '2030-01-01T00:00:00Z',
  });
  requireJoinToken(join);
  assert.throws(() => requireJoinToken(join.slice(0, -20)), /not a join token/);
  assert.throws(() => requireJoinToken(trust), /not a join token/);
});
