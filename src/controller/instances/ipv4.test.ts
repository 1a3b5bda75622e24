/** Which addresses a network gives out. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contains, freeAddress, type Subnet, subnetOf } from './ipv4.ts';

const subnet = (config: Record<string, string>): Subnet => subnetOf({ name: 'net', config })!;

describe('the subnet of a network', () => {
  it('is the whole of it without network, broadcast and gateway', () => {
    const small = subnet({ 'ipv4.address': '198.18.0.1/30' });
    assert.equal(freeAddress(small, new Set(), 0), '198.18.0.2');
    assert.equal(freeAddress(small, new Set(), 1), '198.18.0.2');
    assert.equal(freeAddress(small, new Set(['198.18.0.2']), 0), undefined);
  });

  it('is what its ranges say', () => {
    const two = subnet({ 'ipv4.address': '198.18.0.1/24', 'ipv4.ranges': '198.18.0.10-198.18.0.11, 198.18.0.50' });
    const taken = new Set<string>();
    for (let i = 0; i < 3; i += 1) taken.add(freeAddress(two, taken, 7)!);
    assert.deepEqual([...taken].sort(), ['198.18.0.10', '198.18.0.11', '198.18.0.50']);
    assert.equal(freeAddress(two, taken, 7), undefined);
  });

  it('crosses the octets of a large one', () => {
    const large = subnet({ 'ipv4.address': '198.18.0.1/20' });
    assert.equal(freeAddress(large, new Set(), 255), '198.18.1.0');
    assert.equal(freeAddress(large, new Set(), 4093), '198.18.15.254');
    assert.equal(freeAddress(large, new Set(), 4094), '198.18.0.2'); // around, and not the gateway
  });

  it('has room for addresses that are asked for outside of the ranges', () => {
    const net = subnet({ 'ipv4.address': '198.18.0.1/24', 'ipv4.ranges': '198.18.0.10-198.18.0.11' });
    assert.ok(contains(net, '198.18.0.200'));
    for (const address of ['198.18.0.0', '198.18.0.1', '198.18.0.255', '198.18.1.2'])
      assert.ok(!contains(net, address));
  });

  it('is none when the network gives out no addresses', () => {
    assert.equal(subnetOf({ name: 'net', config: {} }), undefined);
    assert.equal(subnetOf({ name: 'net', config: { 'ipv4.address': 'none' } }), undefined);
  });

  it('is refused when it makes no sense', () => {
    const bad = ['198.18.0.1', '198.18.0.300/24', '198.18.0.1/31', '198.18.0.1/7'];
    for (const address of bad) assert.throws(() => subnet({ 'ipv4.address': address }), { code: 'invalid' });
    const ranges = { 'ipv4.address': '198.18.0.1/24', 'ipv4.ranges': '198.18.0.9-198.18.0.3' };
    assert.throws(() => subnet(ranges), /ends before it begins/);
  });
});
