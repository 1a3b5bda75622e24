import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ForwardPort, type ForwardRecord, waysOf } from './network-forward.ts';

const port = (listen_port: string, target_port = '', more: Partial<ForwardPort> = {}): ForwardPort => ({
  description: '',
  protocol: 'tcp',
  listen_port,
  target_port,
  target_address: '198.18.4.9',
  ...more,
});
const ways = (ports: readonly ForwardPort[], change: Partial<ForwardRecord> = {}) =>
  waysOf(
    { network: 'br1', listen: '198.18.0.150', description: '', config: {}, ports, ...change },
    address => address.startsWith('198.18.4.') || address.startsWith('fd42:'),
  );

describe('a forward', () => {
  it('leads ports one by one, all to one, or as they are; the rest to its target', () => {
    const [same, one, each, rest] = ways(
      [port('80,90-91'), port('443,8443', '1'), port('100-101', '5,7', { protocol: 'udp' })],
      {
        config: { target_address: '198.18.4.10', 'user.x': 'y' },
      },
    );
    assert.deepEqual(same!.ports, [
      [80, 80],
      [90, 90],
      [91, 91],
    ]);
    assert.deepEqual(one!.ports, [
      [443, 1],
      [8443, 1],
    ]);
    assert.deepEqual(
      [each!.protocol, each!.ports],
      [
        'udp',
        [
          [100, 5],
          [101, 7],
        ],
      ],
    );
    assert.deepEqual(rest, { listen: '198.18.0.150', target: '198.18.4.10', ports: [] });
  });

  for (const [why, ports, change, message] of [
    ['a port twice', [port('80'), port('79-81')], {}, /ports\[1\]\.listen_port.*tcp 80/],
    ['ports that do not pair', [port('80-82', '1,2')], {}, /target_port.*2 ports for 3/],
    ['no port', [port('')], {}, /listen_port/],
    ['a port too high', [port('65536')], {}, /listen_port/],
    ['a range backwards', [port('9-8')], {}, /listen_port/],
    ['more than a port', [port('80 } accept')], {}, /listen_port/],
    ['another network', [port('80', '', { target_address: '198.18.5.1' })], {}, /not an address of the network/],
    ['another family', [port('80', '', { target_address: 'fd42::1' })], {}, /not an IPv4 address/],
    ['an unknown key', [], { config: { x: 'y' } }, /"x"/],
  ] as const) {
    it(`is refused for ${why}`, () => assert.throws(() => ways(ports, change), message));
  }
});
