import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NetworkDeclaration } from './declaration.ts';
import { nextBridge, type PresentBridge } from './next-bridge.ts';
import { dnsmasqConfig, dnsmasqFiles, hostsFile, leasesFile } from './next-dnsmasq.ts';
import { nextFirewall, tableOf } from './next-firewall.ts';

const cards = [
  { name: 'c1', mac: '02:00:00:00:00:01', addresses: ['198.18.4.9', 'fd42::9'] },
  { name: '', mac: '02:00:00:00:00:02', addresses: ['198.18.4.10'] },
];
const network = (config: Record<string, string>, more: Partial<NetworkDeclaration> = {}): NetworkDeclaration => ({
  name: 'br1',
  config: { 'ipv4.address': '198.18.4.1/24', ...config },
  ours: true,
  joined: true,
  peers: ['198.18.0.12'],
  cards,
  forwards: [],
  held: [],
  revision: 1,
  ...more,
});
const nothing: PresentBridge = { there: false, addresses: [], ports: [], routes: [], tunnel: false, peers: [] };
const host = { node: 'n1', address: '198.18.0.11' };

describe('a bridge of ours', () => {
  it('is made with its tunnel, and every host that is a gateway has the same MAC', () => {
    const { ip, fdb } = nextBridge(network({}), nothing, host, []);
    assert.equal(ip[0], 'link add br1 type bridge');
    assert.ok(
      ip.some(line => /^link add vx[0-9a-f]{8} type vxlan id \d+ dstport 14789 local 198\.18\.0\.11$/.test(line)),
    );
    assert.ok(ip.includes('link set br1 mtu 1450') && ip.includes('address replace 198.18.4.1/24 dev br1'));
    assert.match(fdb.join(), /^fdb append 00:00:00:00:00:00 dev vx[0-9a-f]{8} dst 198\.18\.0\.12$/);
    const mac = (node: string, config: Record<string, string>) =>
      nextBridge(network(config), nothing, { ...host, node }, []).ip.find(line => line.includes(' address 02'));
    assert.equal(mac('n1', {}), mac('n2', {}));
    assert.notEqual(mac('n1', { 'ipv4.address': 'none' }), mac('n2', { 'ipv4.address': 'none' }));
  });

  it('changes in place: only what is not wanted any more goes', () => {
    const present = {
      ...nothing,
      there: true,
      tunnel: true,
      addresses: ['198.18.4.1/24', '198.18.9.1/24'],
      ports: ['eth1', 'v12345678'],
      routes: ['198.18.7.0/24', '198.18.8.0/24'],
      peers: ['198.18.0.12', '198.18.0.13'],
    };
    const { ip, fdb } = nextBridge(network({ 'ipv4.routes': '198.18.8.0/24' }), present, host, ['eth1', 'eth2']);
    const gone = ip.filter(line => / (del|nomaster)\b/.test(line));
    assert.deepEqual(gone, [
      'link set eth1 nomaster',
      'address del 198.18.9.1/24 dev br1',
      'route del 198.18.7.0/24 dev br1 proto 98',
    ]);
    assert.ok(!ip.some(line => line.includes('link add')));
    assert.match(fdb.join(), /^fdb del \S+ dev \S+ dst 198\.18\.0\.13$/);
  });

  it('reaches others by ports of its own instead of a tunnel', () => {
    const { ip } = nextBridge(
      network({ 'bridge.external_interfaces': 'eth1, eth2' }),
      { ...nothing, tunnel: true },
      host,
      [],
    );
    assert.ok(ip.includes('link set eth2 master br1 up') && ip.some(line => /^link del vx/.test(line)));
    assert.throws(
      () => nextBridge(network({ 'bridge.external_interfaces': 'eth1 up' }), nothing, host, []),
      /external_interfaces/,
    );
  });
});

describe('its packet filter', () => {
  it('translates, keeps the gateway on its host and lets only hosts into the tunnel', () => {
    const { inet, bridge } = nextFirewall('n1', network({ 'ipv4.nat': 'true' }));
    assert.match(inet, /ip saddr 198\.18\.4\.0\/24 ip daddr != 198\.18\.4\.0\/24 oifname != "br1" masquerade/);
    assert.match(inet, /udp dport 14789 ip saddr != \{ 198\.18\.0\.12 \} drop/);
    assert.match(bridge, /arp daddr ip 198\.18\.4\.1 drop/);
    const six = nextFirewall(
      'n1',
      network({ 'ipv6.address': 'fd42:1::1/64', 'ipv6.nat': 'yes', 'ipv6.nat.address': 'fd00::5' }),
    );
    assert.match(six.inet, /ip6 saddr fd42:1::\/64 .* snat ip6 to fd00::5/);
    assert.match(six.bridge, /@th,64,128 0xfd420001000000000000000000000001 drop/);
  });

  it('closes the way through the host', () => {
    const { inet } = nextFirewall('n1', network({ 'ipv4.routing': 'false' }));
    assert.match(inet, /iifname "br1" meta nfproto ipv4 drop/);
    assert.doesNotMatch(inet, /br1" meta nfproto ipv6/);
  });

  it('is nothing for a bridge that is not ours, and no two networks have one table', () => {
    assert.deepEqual(nextFirewall('n1', network({}, { joined: false, ours: false })), { inet: '', bridge: '' });
    assert.equal(new Set(['a-b', 'a_b', 'a.b', 'ab'].map(tableOf)).size, 4);
  });
});

describe('its dnsmasq', () => {
  const files = dnsmasqFiles('/f');
  const lines = (config: Record<string, string>, more = {}) => dnsmasqConfig(network(config, more), files)?.split('\n');

  it('gives out what stands in the table, and nothing else', () => {
    const config = lines({ 'dns.domain': 'lab', 'ipv4.dhcp.expiry': '2h', 'dns.search': 'a.example,b.example' })!;
    for (const line of [
      'dhcp-range=198.18.4.0,static,255.255.255.0,2h',
      'domain=lab',
      'dhcp-option=option:domain-search,a.example,b.example',
    ])
      assert.ok(config.includes(line), line);
    assert.equal(leasesFile(cards), '02:00:00:00:00:01,198.18.4.9,[fd42::9],c1\n02:00:00:00:00:02,198.18.4.10\n');
    assert.equal(hostsFile(network({})), '198.18.4.9 c1.lxd c1\nfd42::9 c1.lxd c1\n');
  });

  it('serves less when less is wished, and is not there when nothing is', () => {
    assert.ok(lines({ 'dns.mode': 'none' })!.includes('port=0'));
    assert.ok(!lines({ 'ipv4.dhcp': 'false' })!.some(line => line.startsWith('dhcp')));
    assert.equal(lines({ 'ipv4.dhcp': 'false', 'dns.mode': 'none' }), undefined);
    assert.equal(lines({}, { joined: false }), undefined);
    assert.equal(lines({ 'ipv4.address': 'none' }), undefined);
  });

  it('is told no second line by a value', () => {
    assert.throws(() => lines({ 'dns.domain': 'a\naddn-hosts=/etc/shadow' }), /dns\.domain/);
  });
});
