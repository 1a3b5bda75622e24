import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contains, networkOf, overlap, parseCidr, shortest, stableAddress } from './ip.ts';

const cidr = (text: string) => parseCidr(text)!;

test('networks of both families', () => {
  assert.equal(networkOf(cidr('198.18.5.77/20')), '198.18.0.0/20');
  assert.equal(networkOf(cidr('fd42:1:2:3::1/64')), 'fd42:1:2:3::/64');
  assert.ok(contains(cidr('198.18.0.1/24'), '198.18.0.255') && !contains(cidr('198.18.0.1/24'), '198.18.1.0'));
  assert.ok(contains(cidr('fd42::1/64'), 'fd42::ffff') && !contains(cidr('fd42::1/64'), 'fd42:0:0:1::1'));
  assert.ok(!contains(cidr('fd42::1/64'), '198.18.0.1'));
  assert.ok(
    overlap(cidr('198.18.0.1/16'), cidr('198.18.7.1/24')) && !overlap(cidr('198.18.6.1/24'), cidr('198.18.7.1/24')),
  );
});

test('an address follows from the MAC, as the kernel makes it', () => {
  assert.equal(stableAddress(cidr('fd42::1/64'), '02:11:22:33:44:55'), 'fd42::11:22ff:fe33:4455');
  assert.equal(shortest('fd42:0:0::5'), 'fd42::5');
  assert.equal(shortest('198.18.0.1'), '198.18.0.1');
});

test('what is no network is none', () => {
  for (const text of [
    '',
    '1.2.3/8',
    '1.2.3.4',
    '1.2.3.4/33',
    'fd42::1/129',
    '1.2.3.4/8/8',
    'fe80::1%eth0/64',
    '1.2.3.4/x',
  ])
    assert.equal(parseCidr(text), undefined, text);
});
