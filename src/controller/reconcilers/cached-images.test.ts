import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ImageRecord } from '../../domain/image.ts';
import { IMAGES, PROJECTS, SERVER } from '../spaces.ts';
import { IMAGE, openTestCluster } from '../testing/test-cluster.ts';

const DAY_MS = 24 * 3600_000;

it('an image that a launch fetched goes when nobody used it for so long; what somebody keeps stays', async () => {
  const cluster = await openTestCluster(['n1']);
  try {
    const a = await cluster.controller('a');
    const { value: some } = cluster.view.get(IMAGES.key('default', IMAGE))!;
    const before = (days: number) => new Date(a.clock.now() - days * DAY_MS).toISOString();
    const keep = async (digit: string, more: Partial<ImageRecord>) => {
      const record = { ...some, fingerprint: digit.repeat(64), ...more };
      await a.store.commit(IMAGES.create(IMAGES.key(record.project, record.fingerprint), record));
    };
    const config = { 'features.images': 'true', 'images.remote_cache_expiry': '30' };
    await a.store.commit(PROJECTS.create(PROJECTS.key('slow'), { name: 'slow', description: '', config }));
    await keep('1', { cached: true, lastUsedAt: before(6) });
    await keep('2', { cached: true, lastUsedAt: before(4) });
    await keep('3', { cached: false, lastUsedAt: before(99) });
    await keep('4', { cached: true, lastUsedAt: '', uploadedAt: before(99) });
    await keep('5', { cached: true, lastUsedAt: before(9), project: 'slow' });
    const prints = () =>
      cluster.view
        .list(IMAGES)
        .map(({ value }) => value.fingerprint[0])
        .filter(digit => '12345'.includes(digit!));
    await cluster.until('the oldest is gone', () => !prints().includes('4')); // after the usual ten days
    await a.store.commit(SERVER.create(SERVER.key('config'), { config: { 'images.remote_cache_expiry': '5' } }));
    await cluster.until('the older one is gone', () => !prints().includes('1'));
    assert.deepEqual(prints().sort(), ['2', '3', '5']);
  } finally {
    await cluster.close();
  }
});
