/** Networks that Berth makes, with Debian's own `lxc` 5.0.2 and with `berth`: on real hosts, with real DHCP, DNS and NAT. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CLIENT } from '../../deploy/local-cluster/cluster.ts';
import { eventually } from '../../src/agent/testing/eventually.ts';
import { type Harness, openHarness } from './harness.ts';

const HOSTS = ['n1', 'n2', 'n3'];
const GATEWAY = '198.19.200.1';

describe('networks', { timeout: 240_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('network');
  });
  after(() => harness?.close());
  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout;
  const refused = async (...args: string[]) => {
    const { code, stderr } = await harness.lxc(args, { allowFailure: true });
    assert.notEqual(code, 0, args.join(' '));
    return stderr;
  };
  const inside = (name: string, ...argv: string[]) => lxc('exec', name, '--', ...argv);
  const onHost = async (host: string, ...argv: string[]) => (await harness.cluster.exec(host, argv)).stdout;
  const addressOf = async (name: string) => (await lxc('list', name, '-c4', '--format', 'csv')).split(' ')[0]!;

  it('one is made on every host, with an address of its own there', async () => {
    assert.equal(
      await lxc(
        'network',
        'create',
        'br1',
        `ipv4.address=${GATEWAY}/24`,
        'ipv6.address=fd42:0:0:200::1/64',
        'dns.domain=lab',
      ),
      'Network br1 created\n',
    );
    for (const host of HOSTS)
      assert.match(await onHost(host, 'ip', '-br', 'addr', 'show', 'br1'), /198\.19\.200\.1\/24 fd42:0:0:200::1\/64/);
    const info = await lxc('network', 'info', 'br1', '--target', 'n2');
    assert.match(info, /State: up\n.*\n\nIP addresses:\n {2}inet\t198\.19\.200\.1\/24 \(global\)/);
    assert.match(info, /Bridge:\n {2}ID: 8000\./);
    assert.match(
      await lxc('network', 'list', '--format', 'csv'),
      /^br1,bridge,YES,198\.19\.200\.1\/24,fd42:0:0:200::1\/64,,0,CREATED$/m,
    );
  });

  it('joins instances on different hosts, gives them their address by DHCP and their names by DNS', async () => {
    await Promise.all([
      lxc('launch', 'busybox', 'c1', '-n', 'br1', '--target', 'n1'),
      lxc('launch', 'busybox', 'c2', '-n', 'br1', '--target', 'n2'),
    ]);
    const [one, two] = [await addressOf('c1'), await addressOf('c2')];
    await inside('c1', 'ping', '-c', '1', '-W', '5', two);
    await inside('c1', 'ping', '-c', '1', '-W', '5', GATEWAY);
    const { stderr } = await harness.lxc(['exec', 'c1', '--', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f']);
    assert.match(stderr, new RegExp(`lease of ${one} obtained from ${GATEWAY}`));
    assert.match(await inside('c1', 'nslookup', 'c2.lab', GATEWAY), new RegExp(`Address: ${two}`));
    const leases = await lxc('network', 'list-leases', 'br1', '--format', 'csv');
    assert.match(leases, new RegExp(`^c1,[0-9a-f:]+,${one},DYNAMIC,n1$`, 'm'));
    const six = /^c2,[0-9a-f:]+,(fd42:[0-9a-f:]+),/m.exec(leases)?.[1];
    assert.ok(six, leases);
    await inside('c1', 'ping', '-6', '-c', '1', '-W', '5', six);
    await inside('c1', 'ping', '-6', '-c', '1', '-W', '5', 'fd42:0:0:200::1');
    assert.match(await refused('network', 'delete', 'br1'), /in use, e\.g\. by \/1\.0\/instances\/c1/);
    assert.match(await refused('network', 'rename', 'br1', 'br9'), /in use/);
  });

  it('lets them out by NAT, from the moment that it is told', async () => {
    const client = harness.cluster.layout.clientAddress;
    const ask = ['exec', 'c1', '--', 'sh', '-c', `nc -w 2 ${client} 7777 </dev/null`];
    const end = new AbortController();
    const listener = harness.cluster
      .exec(CLIENT, ['socat', 'TCP-LISTEN:7777,reuseaddr,fork', 'SYSTEM:echo $SOCAT_PEERADDR'], { signal: end.signal })
      .catch(() => {});
    try {
      assert.equal((await harness.lxc(ask, { allowFailure: true })).stdout, '', 'the client has no way back to it');
      await lxc('network', 'set', 'br1', 'ipv4.nat', 'true');
      const host = harness.cluster.hosts[0]!.address;
      await eventually(async () => assert.equal((await harness.lxc(ask, { allowFailure: true })).stdout.trim(), host));
    } finally {
      end.abort();
      await listener;
    }
  });

  it('goes with an instance that moves', async () => {
    const [one, two] = [await addressOf('c1'), await addressOf('c2')];
    await lxc('move', 'c1', '--target', 'n3');
    assert.equal(await addressOf('c1'), one);
    await inside('c2', 'ping', '-c', '1', '-W', '5', one);
    await inside('c1', 'ping', '-c', '1', '-W', '5', GATEWAY);
    await inside('c1', 'ping', '-c', '1', '-W', '5', two);
    assert.match(await inside('c1', 'nslookup', 'c2', GATEWAY), new RegExp(`Address: ${two}`));
  });

  it('serves on while an agent is away, and is made again after a loss', async () => {
    const { cluster } = harness;
    const pidFile = join(cluster.hostDir('n3'), 'networks/br1/dnsmasq.pid');
    const pid = readFileSync(pidFile, 'utf8');
    await cluster.killAgent('n3');
    assert.match(await inside('c2', 'nslookup', 'c1.lab', GATEWAY), /Address: 198\.19\.200\./);
    process.kill(Number(readFileSync(join(cluster.hostDir('n1'), 'networks/br1/dnsmasq.pid'), 'utf8')));
    await onHost('n1', 'ip', 'link', 'del', 'br1');
    await cluster.killAgent('n1');
    await Promise.all([cluster.startAgent('n3'), cluster.startAgent('n1')]);
    assert.equal(readFileSync(pidFile, 'utf8'), pid, 'dnsmasq was left alone');
    assert.match(await onHost('n1', 'ip', '-br', 'addr', 'show', 'br1'), /198\.19\.200\.1\/24/);
    await cluster.online();
    await lxc('move', 'c1', '--target', 'n1');
    await inside('c1', 'ping', '-c', '1', '-W', '5', await addressOf('c2'));
    assert.match(
      (await harness.lxc(['exec', 'c1', '--', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f'])).stderr,
      /obtained/,
    );
  });

  it('leads an address outside to an instance, wherever it runs', async () => {
    const { layout, hosts } = harness.cluster;
    const listen = layout.clientAddress.replace(/\d+$/, '150');
    const target = await addressOf('c1');
    const get = async (port: number) => {
      const input = 'GET / HTTP/1.0\r\n\r\n';
      const argv = ['socat', '-t', '1', '-', `TCP:${listen}:${port},connect-timeout=1`];
      const { stdout } = await harness.cluster.exec(CLIENT, argv, { allowFailure: true, input });
      return stdout.split('\r\n\r\n')[1] ?? '';
    };
    const serve = 'mkdir -p /www; echo hello >/www/index.html; httpd -p 8080 -h /www; httpd -p 90 -h /www';
    await inside('c1', 'sh', '-c', serve);
    assert.equal(await lxc('network', 'forward', 'create', 'br1', listen), `Network forward ${listen} created\n`);
    const port = (...words: string[]) => ['network', 'forward', 'port', 'add', 'br1', listen, 'tcp', ...words];
    await lxc(...port('80,443', target, '8080'));
    await harness.berth(port('90-91', target));
    await eventually(async () => assert.equal(await get(443), 'hello\n'));
    await eventually(async () => assert.equal(await get(90), 'hello\n'));
    assert.deepEqual([await get(80), await get(8080)], ['hello\n', '']);
    assert.match(await lxc('network', 'forward', 'list', 'br1', '--format', 'csv'), new RegExp(`^${listen},,,2,`));
    await lxc('move', 'c1', '--target', 'n2');
    await eventually(async () => assert.equal(await get(80), 'hello\n'));
    const holds = new RegExp(`${listen}/32`);
    assert.match(await onHost(hosts[1]!.name, 'ip', 'addr'), holds);
    await eventually(async () => assert.doesNotMatch(await onHost(hosts[0]!.name, 'ip', 'addr'), holds));
    assert.match(await refused(...port('80', target)), /listen_port/);
    assert.match(await refused(...port('81', '198.18.0.1')), /not an address of the network/);
    assert.match(
      await refused('network', 'forward', 'create', 'br1', '198.19.200.9'),
      /address of network "br1" itself/,
    );
    await lxc('network', 'forward', 'port', 'remove', 'br1', listen, 'tcp', '90-91');
    await eventually(async () => assert.equal(await get(90), ''));
    await harness.berth(['network', 'forward', 'set', 'br1', listen, `target_address=${target}`]);
    await eventually(async () => assert.equal(await get(8080), 'hello\n'));
    await lxc('network', 'forward', 'delete', 'br1', listen);
    await eventually(async () => assert.doesNotMatch(await onHost('n2', 'ip', 'addr'), holds));
    assert.equal(await get(80), '');
  });

  it('gives cards to a running instance, there after a move and a restart, and takes them', async () => {
    const { gateway } = harness.cluster.layout;
    const ping = () => inside('c1', 'ping', '-c', '1', '-W', '5', '-I', 'eth1', gateway);
    await lxc('network', 'attach', 'berthbr0', 'c1');
    await ping();
    await lxc('move', 'c1', '--target', 'n3');
    await ping();
    await lxc('restart', 'c1', '--force');
    await eventually(async () => void (await ping()));
    await lxc('network', 'detach', 'berthbr0', 'c1');
    assert.doesNotMatch(await inside('c1', 'ifconfig', '-a'), /^eth1/m);
    await lxc('config', 'device', 'add', 'c1', 'side', 'nic', 'nictype=macvlan', 'parent=berthbr0', 'name=mv0');
    await lxc('config', 'device', 'add', 'c1', 'cable', 'nic', 'nictype=p2p');
    assert.match(await inside('c1', 'ifconfig', '-a'), /^eth1[\s\S]*^mv0/m);
    assert.match(
      await refused('move', 'c1', '--target', 'n1'),
      /its card mv0 is of nictype macvlan \(use a bridged one/,
    );
    for (const device of ['side', 'cable']) await lxc('config', 'device', 'remove', 'c1', device);
    assert.doesNotMatch(await inside('c1', 'ifconfig', '-a'), /^(eth1|mv0)/m);
    for (const kind of ['physical', 'ipvlan', 'sriov']) {
      const said = await refused('config', 'device', 'add', 'c1', 'x', 'nic', `nictype=${kind}`, 'parent=eth0');
      assert.match(said, new RegExp(`${kind} is not supported: `));
    }
    assert.match(
      await refused('config', 'device', 'add', 'c1', 'x', 'nic', 'nictype=macvlan', 'parent=no0'),
      /no network "no0"/,
    );
    assert.doesNotMatch(await lxc('config', 'show', 'c1'), /no0/);
  });

  it('holds a card to its rate, its MAC and its addresses, also on another host', async () => {
    const [one, two] = [await addressOf('c1'), await addressOf('c2')];
    const secondsFor = async (megabytes: number) => {
      const server = lxc(
        'exec',
        'c1',
        '--',
        'sh',
        '-c',
        'rm -f /fifo; mkfifo /fifo; timeout 30 nc -l -p 99 <>/fifo | wc -c',
      );
      const begun = performance.now();
      const send = `for i in 1 2 3 4 5 6 7 8 9; do head -c ${megabytes}000000 /dev/zero | nc ${one} 99 && break; sleep 0.1; done`;
      await inside('c2', 'sh', '-c', send);
      assert.equal((await server).trim(), `${megabytes}000000`);
      return (performance.now() - begun) / 1000;
    };
    const free = await secondsFor(20);
    await lxc('config', 'device', 'set', 'c1', 'eth0', 'limits.ingress=40Mbit'); // 5 MB a second, after a burst of one second's worth
    const held = await secondsFor(20);
    assert.ok(held > 2.4 && free < held / 2, `${free} s, held ${held} s`);
    await lxc('config', 'device', 'unset', 'c1', 'eth0', 'limits.ingress');

    const lies = ['ping', '-c', '1', '-W', '1', '-I', '198.19.200.99', two];
    const canLie = async () => (await harness.lxc(['exec', 'c1', '--', ...lies], { allowFailure: true })).code === 0;
    await inside('c1', 'ip', 'addr', 'add', '198.19.200.99/24', 'dev', 'eth0');
    assert.ok(await canLie());
    await lxc('config', 'device', 'set', 'c1', 'eth0', 'security.ipv4_filtering=true');
    assert.ok(!(await canLie()));
    await inside('c1', 'ip', 'addr', 'del', '198.19.200.99/24', 'dev', 'eth0');
    await inside('c1', 'ping', '-c', '1', '-W', '5', two);
    await lxc('move', 'c1', '--target', 'n1');
    await inside('c1', 'ping', '-c', '1', '-W', '5', two);
    await inside('c1', 'ip', 'addr', 'add', '198.19.200.99/24', 'dev', 'eth0');
    assert.ok(!(await canLie()));
    await inside('c1', 'ip', 'addr', 'del', '198.19.200.99/24', 'dev', 'eth0');
    await lxc('config', 'device', 'set', 'c1', 'eth0', 'security.ipv4_filtering=false', 'security.mac_filtering=true');
    await inside('c1', 'ping', '-c', '1', '-W', '5', two);
    await inside('c1', 'ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:99');
    const lied = await harness.lxc(['exec', 'c1', '--', 'ping', '-c', '1', '-W', '1', two], { allowFailure: true });
    assert.notEqual(lied.code, 0);
    await lxc('restart', 'c1', '--force');
    const leases = await lxc('network', 'list-leases', 'br1', '--format', 'csv');
    const six = /^c2,[0-9a-f:]+,(fd42:[0-9a-f:]+),/m.exec(leases)![1]!;
    await inside('c1', 'ip', 'addr', 'add', 'fd42:0:0:200::99/64', 'dev', 'eth0');
    const lie = ['exec', 'c1', '--', 'ping', '-6', '-c', '1', '-W', '1', '-I', 'fd42:0:0:200::99', six];
    await eventually(async () => void (await lxc(...lie)));
    await lxc('config', 'device', 'set', 'c1', 'eth0', 'security.ipv6_filtering=true');
    assert.notEqual((await harness.lxc(lie, { allowFailure: true })).code, 0);
    await inside('c1', 'ip', 'addr', 'del', 'fd42:0:0:200::99/64', 'dev', 'eth0');
    await inside('c1', 'ping', '-6', '-c', '1', '-W', '5', six);
    await lxc('config', 'device', 'set', 'c1', 'eth0', 'security.ipv6_filtering=false', 'security.mac_filtering=false');
    for (const host of ['n2', 'n3']) assert.doesNotMatch(await onHost(host, 'nft', 'list', 'tables'), /bridge berth_v/);
  });

  it('refuses what cannot be, and changes nothing then', async () => {
    assert.match(
      await refused('network', 'set', 'br1', 'ipv4.address=198.19.201.1/24'),
      /"ipv4\.address": an instance has address/,
    );
    assert.match(
      await refused('network', 'create', 'br2', 'ipv4.address=198.19.200.129/25'),
      /"ipv4\.address": .* overlaps with network "br1"/,
    );
    assert.match(await refused('network', 'create', 'eth0'), /is an interface of host n\d and not a bridge/);
    assert.match(await refused('network', 'set', 'br1', 'raw.dnsmasq=x'), /"raw\.dnsmasq" is not supported: /);
    assert.match(await refused('network', 'set', 'br1', 'ipv4.dhcp.expiry=soon'), /ipv4\.dhcp\.expiry/);
    assert.match(
      await lxc('network', 'show', 'br1'),
      /config:\n {2}dns\.domain: lab\n {2}ipv4\.address: 198\.19\.200\.1\/24\n {2}ipv4\.nat: "true"\n {2}ipv6\.address: \S+\ndescription/,
    );
    assert.doesNotMatch(await lxc('network', 'list', '--format', 'csv'), /br2|eth0/);
  });

  it('is read and changed by every other command', async () => {
    const edit = (args: string[], text: string) => harness.lxc(args, { input: text });
    assert.equal(await lxc('network', 'get', 'br1', 'dns.domain'), 'lab\n');
    await lxc('network', 'set', 'br1', 'user.x=1');
    await lxc('network', 'unset', 'br1', 'user.x');
    const shown = await lxc('network', 'show', 'br1');
    await edit(['network', 'edit', 'br1'], shown.replace('description: ""', 'description: of the lab'));
    assert.match(await lxc('network', 'show', 'br1'), /description: of the lab/);
    await lxc('profile', 'create', 'p');
    await lxc('network', 'attach-profile', 'br1', 'p', 'eth0', 'eth0');
    assert.match(await lxc('profile', 'show', 'p'), /parent: br1/);
    await lxc('init', 'busybox', 'c3', '-p', 'default', '-p', 'p');
    assert.match(await lxc('network', 'list-leases', 'br1', '--format', 'csv'), /^c3,[0-9a-f:]+,198\.19\.200\./m);
    await lxc('delete', 'c3');
    await lxc('network', 'detach-profile', 'br1', 'p', 'eth0');
    await lxc('profile', 'delete', 'p');
    const listen = harness.cluster.layout.clientAddress.replace(/\d+$/, '151');
    const forward = (verb: string, ...more: string[]) => lxc('network', 'forward', verb, 'br1', listen, ...more);
    await forward('create', 'target_address=198.19.200.77');
    await forward('set', 'user.x=1');
    assert.equal(await forward('get', 'user.x'), '1\n');
    await forward('unset', 'user.x');
    const yaml = await forward('show');
    assert.match(yaml, /target_address: 198\.19\.200\.77/);
    await edit(['network', 'forward', 'edit', 'br1', listen], yaml.replace('.77', '.78'));
    await lxc('network', 'forward', 'port', 'add', 'br1', listen, 'udp', '53', '198.19.200.78');
    assert.match(await forward('show'), /target_address: 198\.19\.200\.78[\s\S]*protocol: udp/);
    await forward('delete');
  });

  it('is named member by member first, as in a cluster of LXD', async () => {
    for (const host of HOSTS)
      assert.equal(await lxc('network', 'create', 'br4', '--target', host), `Network br4 pending on member ${host}\n`);
    assert.match(await lxc('network', 'list', '--format', 'csv'), /^br4,bridge,YES,.*,PENDING$/m);
    await lxc('network', 'create', 'br4', 'ipv4.address=198.19.204.1/24', 'ipv6.address=none');
    assert.match(await onHost('n3', 'ip', '-br', 'addr', 'show', 'br4'), /198\.19\.204\.1/);
    await onHost('n2', 'ip', 'link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1');
    await lxc('network', 'set', 'br4', 'bridge.external_interfaces=wire0', '--target', 'n2');
    assert.match(await onHost('n2', 'ip', 'link', 'show', 'wire0'), /master br4/);
    assert.match(
      await refused('network', 'set', 'br4', 'ipv4.nat=true', '--target', 'n2'),
      /"ipv4\.nat" may not be used/,
    );
    await lxc('network', 'delete', 'br4');
  });

  it('is renamed and removed whole', async () => {
    await lxc('delete', '-f', 'c1', 'c2');
    await lxc('network', 'rename', 'br1', 'br-2');
    for (const host of HOSTS)
      assert.match(await onHost(host, 'ip', '-br', 'addr', 'show', 'br-2'), /198\.19\.200\.1\/24/);
    await harness.berth(['network', 'rename', 'br-2', 'br3']);
    assert.match((await harness.berth(['network', 'info', 'br3'])).stdout, /Bridge:\n {2}ID: 8000/);
    await lxc('network', 'delete', 'br3');
    for (const host of HOSTS) {
      assert.doesNotMatch(await onHost(host, 'ip', '-br', 'link'), /^(br1|br-2|br3|vx)/m);
      assert.doesNotMatch(await onHost(host, 'nft', 'list', 'tables'), /berth_(br|v)/);
      assert.equal(await onHost(host, 'ls', '/run/berth/networks'), '');
    }
  });
});
