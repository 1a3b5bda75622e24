import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Running, run, start } from '../../src/agent/command.ts';

const script = join(import.meta.dirname, 'berth-bridge');
const [host, guest, outside] = ['host', 'guest', 'outside'].map(name => `brt${process.pid}-${name}`) as [
  string,
  string,
  string,
];
const BRIDGE_ADDRESS = '198.19.255.1/26';

describe('the ready-made bridge', () => {
  let dir: string;
  let dnsmasq: Running | undefined;
  // its notes go to /run/berth-bridge: under a name of this test's own
  const bridge = `brt${process.pid}`;
  const env = () => ({
    BERTH_BRIDGE: bridge,
    BERTH_BRIDGE_ADDRESS: BRIDGE_ADDRESS,
    BERTH_BRIDGE_DHCP: '198.19.255.10,198.19.255.20,1h',
    BERTH_BRIDGE_LEASES: join(dir, 'leases'),
  });
  const inside = (namespace: string, ...argv: string[]) =>
    run('ip', ['netns', 'exec', namespace, ...argv], { env: env() });
  const exists = async () => (await run('ip', ['-n', host, 'link', 'show', bridge], { allowFailure: true })).code === 0;
  const forwarding = async () => (await inside(host, 'cat', '/proc/sys/net/ipv4/ip_forward')).stdout.trim();

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'berth-bridge.'));
    for (const name of [host, guest, outside]) await run('ip', ['netns', 'add', name]);
    // the world outside, which knows no way back to the bridge's addresses
    await run('ip', ['-n', host, 'link', 'add', 'wan', 'type', 'veth', 'peer', 'name', 'wan', 'netns', outside]);
    for (const [name, address] of [
      [host, '198.19.255.129/26'],
      [outside, '198.19.255.130/26'],
    ] as const) {
      await run('ip', ['-n', name, 'addr', 'add', address, 'dev', 'wan']);
      await run('ip', ['-n', name, 'link', 'set', 'wan', 'up']);
    }
    await inside(host, 'sh', '-c', 'echo 0 >/proc/sys/net/ipv4/ip_forward');
  });
  after(async () => {
    dnsmasq?.kill('SIGKILL');
    for (const name of [host, guest, outside]) await run('ip', ['netns', 'del', name], { allowFailure: true });
    await rm(dir, { recursive: true, force: true });
    await rm(`/run/berth-bridge/${bridge}`, { recursive: true, force: true });
  });

  test('gives an address by DHCP, answers DNS, and lets out through the host’s address', async () => {
    await inside(host, script, 'up');
    await inside(host, script, 'up'); // may be repeated
    dnsmasq = start('ip', ['netns', 'exec', host, script, 'serve'], { env: env(), stdio: 'ignore' });
    await run('ip', ['-n', guest, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'port', 'netns', host]);
    await run('ip', ['-n', host, 'link', 'set', 'port', 'master', bridge, 'up']);
    await run('ip', ['-n', guest, 'link', 'set', 'eth0', 'up']);
    const lease = join(dir, 'lease.sh');
    await writeFile(
      lease,
      '#!/bin/sh\n[ "$1" != bound ] || { ip addr add $ip/$mask dev eth0; ip route add default via $router; }\n',
      {
        mode: 0o755,
      },
    );
    await inside(guest, 'busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-t', '10', '-T', '1', '-s', lease);
    assert.match(
      (await inside(guest, 'ip', '-o', '-4', 'addr', 'show', 'eth0')).stdout,
      /198\.19\.255\.(?:1\d|20)\/26/,
    );
    await inside(guest, 'ping', '-c1', '-W2', '198.19.255.130'); // only answered if it looks like the host
    assert.match(
      (await inside(guest, 'busybox', 'nslookup', '-type=a', 'localhost', '198.19.255.1')).stdout,
      /Address: 127\.0\.0\.1/,
    );
  });

  test('goes away without a trace, but stays while something is plugged in', async () => {
    dnsmasq!.kill();
    await dnsmasq!.exited;
    await inside(host, script, 'down');
    assert.ok(await exists());
    await run('ip', ['-n', host, 'link', 'del', 'port']);
    await inside(host, script, 'down');
    assert.ok(!(await exists()));
    assert.equal((await inside(host, 'nft', 'list', 'tables')).stdout, '');
    assert.equal(await forwarding(), '0');
  });
});
