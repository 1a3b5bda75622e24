/** A host that dies for good: what the cluster says, and how it goes on without it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Harness, openHarness } from './harness.ts';

describe('a host that is gone for good', { timeout: 120_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('lost-host');
    await lxc('config', 'set', 'cluster.offline_threshold', '2');
    await lxc('launch', 'busybox', 'c1', '--target', 'n3');
    await lxc('launch', 'busybox', 'c2', '--target', 'n1');
    await lxc('storage', 'volume', 'create', 'default', 'v1', '--target', 'n3');
    await lxc('snapshot', 'c1', 's1');
  });
  after(() => harness?.close());
  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout.trim();

  it('is removed by force, with what only it had; a host that lives is not', async () => {
    const refused = await harness.lxc(['cluster', 'remove', 'n3', '--force', '--yes'], { allowFailure: true });
    assert.match(refused.stderr, /1 instance/);
    await harness.cluster.killAgent('n3');
    const state = async () =>
      (await harness.berthJson<{ server_name: string; status: string }[]>('cluster', 'list')).find(
        ({ server_name: name }) => name === 'n3',
      )!.status;
    while ((await state()) !== 'Offline') await new Promise(resolve => setTimeout(resolve, 100));
    const asked = await harness.berth(['cluster', 'remove', 'n3', '--force'], { input: 'no\n', allowFailure: true });
    assert.match(`${asked.stdout}${asked.stderr}`, /forgets its 1 instance\(s\): c1/);
    assert.match(await lxc('cluster', 'remove', 'n3', '--force', '--yes'), /removed/);
    assert.deepEqual((await lxc('list', '--format', 'csv', '-c', 'nsL')).split('\n'), ['c2,RUNNING,n1']);
    assert.equal(await lxc('storage', 'volume', 'list', 'default', '--format', 'csv', 'type=custom'), '');
    assert.doesNotMatch(await lxc('cluster', 'list', '--format', 'csv'), /n3/);
  });

  it('its names are free, and the others go on', async () => {
    await lxc('launch', 'busybox', 'c1', '--target', 'n2');
    await lxc('move', 'c2', '--target', 'n2');
    assert.deepEqual((await lxc('list', '--format', 'csv', '-c', 'nsL')).split('\n').sort(), [
      'c1,RUNNING,n2',
      'c2,RUNNING,n2',
    ]);
  });
});
