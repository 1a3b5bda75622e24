import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../../domain/instance.ts';
import { planNics } from './plan.ts';
import { insideFile, nicsFile } from './plug-files.ts';

const id = '0b6e1c5e-7f43-4d0b-9d4c-111111111111';
const config: Config = {
  'volatile.eth0.hwaddr': '00:16:3E:00:00:01',
  'volatile.eth0.ipv4.address': '198.18.1.5',
  'volatile.eth0.ipv4.prefix': '20',
  'volatile.eth0.ipv4.gateway': '198.18.0.1',
};
const plan = (options: Config, extra: Config = {}) =>
  planNics({ id, config: { ...config, ...extra }, devices: { eth0: { type: 'nic', ...options } } }, 'berthbr0');

describe('nics', () => {
  it('take MAC and address from the controller, the bridge from network, parent or the default', () => {
    const [nic] = plan({ network: 'lan0', mtu: '1400' });
    assert.deepEqual(nic, {
      device: 'eth0',
      kind: 'bridged',
      host: nic!.host,
      name: 'eth0',
      bridge: 'lan0',
      mac: '00:16:3e:00:00:01',
      mtu: 1400,
      addresses: [{ address: '198.18.1.5', prefix: 20, gateway: '198.18.0.1' }],
      rules: { ingress: undefined, egress: undefined, mac: false, ipv4: false, ipv6: false },
    });
    assert.equal(plan({ parent: 'br7' })[0]!.bridge, 'br7');
    assert.equal(plan({})[0]!.bridge, 'berthbr0');
  });

  it('are called the same on every host, within the 15 characters of the kernel', () => {
    const [nic] = plan({});
    assert.match(nic!.host, /^v[0-9a-f]{8}$/);
    assert.equal(plan({})[0]!.host, nic!.host);
  });

  it('become lines that the plug script and ip read', () => {
    const nics = plan({}, { 'volatile.eth0.ipv6.address': 'fd42::5/64' });
    const settled = nics.map(nic => ({ ...nic, mtu: 1500 }));
    assert.equal(nicsFile(settled), `${nics[0]!.host} eth0 00:16:3e:00:00:01 1500 bridged berthbr0\n`);
    assert.deepEqual(insideFile(nics).split('\n'), [
      'link set lo up',
      'address add 198.18.1.5/20 broadcast + dev eth0',
      'address add fd42::5/64 dev eth0 nodad',
      'link set eth0 up',
      'route add default via 198.18.0.1 dev eth0',
      '',
    ]);
  });

  it('goes out by the first of several cards', () => {
    const second = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key.replace('eth0', 'eth1'), value]),
    );
    const devices = { eth0: { type: 'nic' }, eth1: { type: 'nic' } };
    const routes = insideFile(planNics({ id, config: { ...config, ...second }, devices }, 'berthbr0'))
      .split('\n')
      .filter(line => line.startsWith('route'));
    assert.deepEqual(routes, [
      'route add default via 198.18.0.1 dev eth0',
      'route add default via 198.18.0.1 dev eth1 metric 1',
    ]);
  });

  it('may be none: loopback is still brought up', () => {
    assert.equal(insideFile([]), 'link set lo up\n');
  });

  const refused: readonly (readonly [string, Config, Config, RegExp])[] = [
    ['no MAC', {}, { 'volatile.eth0.hwaddr': '' }, /has no MAC/],
    ['a MAC with more in it', { hwaddr: '00:16:3e:00:00:01 up' }, {}, /is not a MAC/],
    ['a name with more in it', { name: 'eth0; id' }, {}, /Invalid network name/],
    ['an address with more in it', {}, { 'volatile.eth0.ipv4.address': '1.2.3.4 dev lo' }, /is not an IPv4 address/],
    ['a bad gateway', {}, { 'volatile.eth0.ipv4.gateway': 'x' }, /gateway "x"/],
    ['another kind', { nictype: 'sriov' }, {}, /"sriov" is not supported/],
    ['a bad MTU', { mtu: '1' }, {}, /is not an MTU/],
  ];
  for (const [name, options, extra, message] of refused) {
    it(`refuse ${name}`, () => assert.throws(() => plan(options, extra), message));
  }
});
