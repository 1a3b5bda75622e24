import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressesIn, countersIn, unheldIn } from './proc-net.ts';

/** Two networks, one inside the other, as the kernel prints them. */
const FIB_TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 198.18.0.0/20 2 0 2
        |-- 198.18.0.0
           /20 link UNICAST
        |-- 198.18.1.5
           /32 host LOCAL
        |-- 198.18.1.64
           /26 link UNICAST
        |-- 198.18.1.70
           /32 host LOCAL
        |-- 198.18.15.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
Local:
        |-- 198.18.1.5
           /32 host LOCAL
`;
const ROUTE = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010012C6\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000012C6\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
eth1\t400112C6\t00000000\t0001\t0\t0\t0\tC0FFFFFF\t0\t0\t0
`;
const IF_INET6 = `fd420000000000000000000000000005 02 40 00 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000021600fffe000001 02 40 20 80     eth0
`;

describe('/proc/net', () => {
  it('tells which address belongs to which interface', () => {
    const found = addressesIn({ fibTrie: FIB_TRIE, route: ROUTE, ifInet6: IF_INET6 });
    assert.deepEqual(
      found.map(({ name, family, address, prefix, scope }) => `${name} ${family} ${address}/${prefix} ${scope}`),
      [
        'eth0 inet 198.18.1.5/20 global',
        'eth1 inet 198.18.1.70/26 global',
        'lo inet 127.0.0.1/8 local',
        'eth0 inet6 fd42::5/64 global',
        'lo inet6 ::1/128 local',
        'eth0 inet6 fe80::216:ff:fe00:1/64 link',
      ],
    );
  });

  it('says nothing of a container that is gone', () => {
    assert.deepEqual(addressesIn({ fibTrie: '', route: '', ifInet6: '' }), []);
    assert.deepEqual(countersIn(''), []);
  });

  it('reads counters', () => {
    const [lo, eth0] = countersIn(`Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 1234567     890    1    2    0     0          0         0     4321      98    3    4    0     0       0          0
`);
    assert.equal(lo!.name, 'lo');
    assert.deepEqual(eth0!.message, {
      bytesReceived: 1234567n,
      packetsReceived: 890n,
      errorsReceived: 1n,
      droppedInbound: 2n,
      bytesSent: 4321n,
      packetsSent: 98n,
      errorsSent: 3n,
      droppedOutbound: 4n,
    });
  });
});

describe('connections that no process holds', () => {
  const line = (state: string, queues: string, inode: string) =>
    `   0: 0100007F:0050 0100007F:9C40 ${state} ${queues} 00:00000000 00000000     0        0 ${inode} 1 0000000000000000\n`;
  const table = (...lines: string[]) => `  sl  local_address rem_address   st tx_queue rx_queue ...\n${lines.join('')}`;

  it('are those that wait to be accepted, are being made, or were closed and have not arrived', () => {
    assert.equal(unheldIn(table(line('0A', '00000000:00000003', '77'))), 3);
    assert.equal(unheldIn(table(line('03', '00000000:00000000', '0'))), 1);
    for (const state of ['04', '09', '0B']) assert.equal(unheldIn(table(line(state, '00000010:00000000', '0'))), 16);
  });

  it('are not those that a process has, nor what waits for its peer only', () => {
    const held = [line('0A', '00000000:00000000', '77'), line('01', '00000009:00000009', '78')];
    const closing = [line('04', '00000010:00000000', '79'), line('05', '00000000:00000000', '0')];
    assert.equal(unheldIn(table(...held, ...closing, line('06', '00000000:00000000', '0'))), 0);
    assert.equal(unheldIn(''), 0);
  });
});
