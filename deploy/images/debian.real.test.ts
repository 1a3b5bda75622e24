/**
 * Debian 13 built here and moved while it runs, with systemd and without: the harder of the two releases. Needs Debian's
 * archive the first time.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { chooseMirrors } from '../../src/cli/image/debian/choose-mirrors.ts';
import { assertWhole, type Harness, openHarness } from '../../test/e2e/harness.ts';
import { cachedDebianImage, debianImageFile } from './cached-debian.ts';

const RELEASE = 'trixie';
/** Two services with mounts of their own, and refused namespaces: each was an obstacle once. */
const SANDBOX = [
  'PrivateTmp=yes',
  'ProtectSystem=strict',
  'ProtectHostname=yes',
  'PrivateNetwork=yes',
  'PrivateUsers=yes',
];
const SET_UP = `set -e
cd /etc/systemd/system
printf '[Socket]\\nListenStream=7\\nAccept=yes\\n' >echo.socket
printf '[Service]\\nExecStart=/bin/cat\\nStandardInput=socket\\nStandardOutput=socket\\n' >echo@.service
systemctl daemon-reload
systemctl start echo.socket
for n in 1 2; do systemd-run -q --unit sandboxed$n ${SANDBOX.map(each => `-p ${each}`).join(' ')} sleep 1000; done`;

const unreachable = await whyUnreachable();

describe('an image of Debian', { timeout: 300_000, skip: unreachable }, () => {
  let harness: Harness;
  before(async () => {
    const file = await cachedDebianImage({ release: RELEASE });
    harness = await openHarness('debian', { hosts: 2 });
    await harness.berth(['image', 'import', file, '--alias', 'debian']);
  });
  after(() => harness?.close());

  const inside = async (script: string) =>
    (await harness.berth(['exec', 'd1', '--', 'sh', '-c', script])).stdout.trim();
  // Its bus takes a moment to be there; `--wait` does not wait for that.
  const state = () =>
    inside('until [ -S /run/dbus/system_bus_socket ]; do sleep 0.1; done; systemctl is-system-running --wait');

  it('boots, sandboxed services included, with nothing failed', async () => {
    await harness.berth(['launch', 'debian', 'd1', '--target', 'n1']);
    assert.equal(await state(), 'running');
    assert.match(await inside('cat /etc/machine-id'), /^[0-9a-f]{32}$/);
    await inside(SET_UP);
  });

  it('moves there and back twice with a client connected, and goes on as if nothing had been', async t => {
    const address = await inside("ip -4 -o addr show dev eth0 | sed 's/.*inet //; s,/.*,,'");
    const client = await harness.echoClient(address);
    for (const target of ['n2', 'n1', 'n2', 'n1']) await harness.berth(['move', 'd1', '--target', target]);
    const result = await client.stop();
    t.diagnostic(JSON.stringify(result));
    assertWhole(result);
    assert.equal(await inside('systemctl is-active sandboxed1 sandboxed2'), 'active\nactive');
  });

  it('runs jobs and logs after it: an init that spins does neither', async () => {
    await inside('timeout 20 systemctl restart sandboxed1 systemd-logind systemd-journald && logger moved');
    assert.equal(await inside('systemctl is-system-running'), 'running');
    assert.match(await inside('journalctl --sync; journalctl -b -o cat --no-pager'), /^moved$/m);
  });

  it('names a dynamic user without temporary files of its own, and moves one that has them', async () => {
    const start = (unit: string, ...options: string[]) =>
      harness.berth([
        'exec',
        'd1',
        '--',
        'systemd-run',
        '-q',
        '--unit',
        unit,
        '-p',
        'DynamicUser=yes',
        ...options,
        'sleep',
        '1000',
      ]);
    await start('bare');
    const refusal = await harness.berthFails('move', 'd1', '--target', 'n2');
    assert.match(refusal, /a part of a file system is mounted at \/tmp \(give the service .*PrivateTmp=yes/);
    await inside('systemctl stop bare');
    await start('own', '-p', 'PrivateTmp=yes');
    await harness.berth(['move', 'd1', '--target', 'n2']);
    assert.equal(await inside('systemctl is-active own'), 'active');
  });

  it('shuts down by itself when asked', async () => {
    await harness.berth(['stop', 'd1', '--timeout', '15']);
    const [found] = await harness.berthJson<{ status: string }[]>('list', 'd1');
    assert.equal(found?.status, 'Stopped');
  });
});

describe('a minimal image of Debian', { timeout: 180_000, skip: unreachable }, () => {
  let harness: Harness;
  before(async () => {
    const file = await cachedDebianImage({ release: RELEASE, variant: 'minimal' });
    harness = await openHarness('debian-minimal', { hosts: 2 });
    await harness.berth(['image', 'import', file, '--alias', 'minimal']);
  });
  after(() => harness?.close());

  it('boots with busybox for init, runs a command, moves there and back, and stops by itself', async () => {
    await harness.berth(['launch', 'minimal', 'm1', '--target', 'n1']);
    const inside = async (script: string) =>
      (await harness.berth(['exec', 'm1', '--', 'sh', '-c', script])).stdout.trim();
    assert.equal(
      await inside('cat /proc/1/comm; hostname; . /etc/os-release; echo $VERSION_CODENAME'),
      'init\nm1\ntrixie',
    );
    await inside('ln -s busybox /bin/nc');
    const client = await harness.echoClient(await harness.echoServer('m1'));
    for (const target of ['n2', 'n1']) await harness.berth(['move', 'm1', '--target', target]);
    assertWhole(await client.stop());
    await harness.berth(['stop', 'm1', '--timeout', '15']);
  });
});

/** False if the image is there, or the archive answers. */
async function whyUnreachable(): Promise<string | false> {
  if (existsSync(debianImageFile({ release: RELEASE }))) return false;
  try {
    const { main } = chooseMirrors();
    const { ok, status } = await fetch(`${main}/dists/${RELEASE}/Release`, { signal: AbortSignal.timeout(10_000) });
    return ok ? false : `${main} answers ${status}`;
  } catch (error) {
    return `Debian's archive cannot be reached: ${(error as Error).message}`;
  }
}
