import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal, startFakeServer } from '../testing/fake-server.ts';

const holder = (devices: object) => ({ config: {}, devices, description: '' });
const card = (network: string) => ({ type: 'nic', network });

test('a card is attached under the name of its network, or under one of its own', async () => {
  await using server = await startFakeServer({
    'GET /1.0/networks/br1': {},
    'GET /1.0/profiles/p': holder({ eth0: card('br0') }),
    'PUT /1.0/profiles/p': null,
  });
  const sent = () => (server.seen.at(-1)!.body as { devices: object }).devices;
  assert.equal((await server.run(['network', 'attach-profile', 'br1', 'p'])).code, 0);
  assert.deepEqual(sent(), { eth0: card('br0'), br1: card('br1') });
  await server.run(['network', 'attach-profile', 'br1', 'p', 'eth1', 'lan']);
  assert.deepEqual(sent(), { eth0: card('br0'), eth1: { ...card('br1'), name: 'lan' } });
  const { code, err } = await server.run(['network', 'attach-profile', 'br1', 'p', 'eth0']);
  assert.deepEqual([code, err], [1, 'Error: The device already exists: eth0\n']);
});

test('the one card on a network is detached; of several, the one that is named', async () => {
  await using server = await startFakeServer({
    'GET /1.0/networks/br1': {},
    'GET /1.0/networks/br2': {},
    'GET /1.0/networks/no': refusal(404, 'Network not found: no'),
    'GET /1.0/profiles/p': holder({ a: card('br1'), b: card('br2'), c: { type: 'nic', parent: 'br2' } }),
    'PUT /1.0/profiles/p': null,
  });
  const detach = (...words: string[]) => server.run(['network', 'detach-profile', ...words]);
  const sent = () => Object.keys((server.seen.at(-1)!.body as { devices: object }).devices);
  await detach('br1', 'p');
  assert.deepEqual(sent(), ['b', 'c']);
  assert.match((await detach('br2', 'p')).err, /More than one device is on network br2, name one: b, c/);
  await detach('br2', 'p', 'c');
  assert.deepEqual(sent(), ['a', 'b']);
  assert.match((await detach('br1', 'p', 'b')).err, /b is not a card on network br1/);
  assert.match((await detach('no', 'p')).err, /Network not found: no/);
});

test('leases are a list as any other', async () => {
  const lease = { hostname: 'c1', hwaddr: '02:00:00:00:00:01', address: '198.18.0.5', type: 'dynamic', location: 'n1' };
  await using server = await startFakeServer({ 'GET /1.0/networks/br1/leases': [lease] });
  const { out } = await server.run(['network', 'list-leases', 'br1', '--format', 'csv']);
  assert.equal(out, 'c1,02:00:00:00:00:01,198.18.0.5,DYNAMIC,n1\n');
  assert.deepEqual(JSON.parse((await server.run(['network', 'list-leases', 'br1', '-f', 'json'])).out), [lease]);
});
