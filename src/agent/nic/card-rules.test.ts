import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../../domain/instance.ts';
import { cardRules } from './next-card-rules.ts';
import { planNics } from './plan.ts';
import { nextNics } from './reshape-nics.ts';

const config: Config = {
  'volatile.eth0.hwaddr': '02:11:22:33:44:55',
  'volatile.eth0.ipv4.address': '198.18.1.5',
  'volatile.eth0.ipv6.address': 'fd42::5',
};
const plan = (options: Config, more: Config = {}) =>
  planNics({ id: 'i', config: { ...config, ...more }, devices: { eth0: { type: 'nic', ...options } } }, 'br0');
const rules = (options: Config) => cardRules(plan(options)[0]!);

describe('the rules of a card', () => {
  it('are none unless wished', () => assert.equal(rules({}), ''));

  it('let it speak under its own MAC and addresses only', () => {
    assert.match(rules({ 'security.mac_filtering': 'true' }), /ether saddr != 02:11:22:33:44:55 drop/);
    const four = rules({ 'security.ipv4_filtering': 'true' });
    for (const line of [
      /ether saddr != /,
      /ip saddr != \{ 198\.18\.1\.5 \} drop/,
      /arp saddr ip != \{ 0\.0\.0\.0, 198\.18\.1\.5 \} drop/,
    ])
      assert.match(four, line);
    const six = rules({ 'security.ipv6_filtering': 'true' });
    assert.match(six, /ip6 saddr != \{ ::, fe80::11:22ff:fe33:4455, fd42::5 \} drop/);
    assert.match(six, /0xfd420000000000000000000000000005/);
  });

  it('hold it to a rate in either direction', () => {
    const max = rules({ 'limits.max': '80Mbit' });
    assert.match(max, /iifname "v\w+" limit rate over 10000000 bytes\/second burst 262144 bytes drop/);
    assert.match(max, /oifname "v\w+" limit rate over 10000000 bytes/);
    assert.doesNotMatch(rules({ 'limits.ingress': '80Mbit' }), /iifname/);
  });
});

describe('cards of a running instance', () => {
  it('stay when only their rules change, and are made anew when they are not what they were', () => {
    const before = plan({});
    assert.deepEqual(nextNics(before, plan({ 'limits.max': '1Gbit' })), { gone: [], come: [] });
    const moved = plan({ parent: 'br1', nictype: 'bridged' });
    assert.deepEqual(nextNics(before, moved), { gone: before, come: moved });
    assert.deepEqual(nextNics(before, []), { gone: before, come: [] });
  });

  it('keep their names when others come', () => {
    const devices = { a: { type: 'nic' }, b: { type: 'nic' }, c: { type: 'nic', name: 'eth1' } };
    const macs = Object.fromEntries(
      ['a', 'b', 'c'].map((each, at) => [`volatile.${each}.hwaddr`, `02:00:00:00:00:0${at}`]),
    );
    const nics = planNics({ id: 'i', config: { ...macs, 'volatile.b.name': 'eth0' }, devices }, 'br0');
    assert.deepEqual(
      nics.map(({ device, name }) => [device, name]),
      [
        ['a', 'eth2'],
        ['b', 'eth0'],
        ['c', 'eth1'],
      ],
    );
  });
});
