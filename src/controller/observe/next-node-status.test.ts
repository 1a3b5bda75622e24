/** When a node counts as offline, and what is worth a write. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeStatusRecord } from '../../domain/node.ts';
import type { NodeNews } from './follow-node.ts';
import { nextNodeStatus } from './next-node-status.ts';

const news = (more: Partial<NodeNews> = {}): NodeNews => ({
  heardAt: 100_000,
  reached: true,
  trouble: '',
  host: undefined,
  bootId: 'b1',
  memoryUsedBytes: 1,
  load1: 0,
  pools: [{ name: 'default', driver: 'dir', totalBytes: 100, usedBytes: 10 }],
  complete: true,
  instances: new Map(),
  ...more,
});

/** 10 s threshold; last written at second 100. */
const at = (seconds: number, said: NodeNews, before?: NodeStatusRecord) =>
  nextNodeStatus('n1', said, before, { now: seconds * 1000, thresholdMs: 10_000, writtenAt: 100_000 });

const stored = at(100, news())!;

describe('the status of a node', () => {
  it('is online from the first word, and offline after the threshold without one', () => {
    assert.equal(stored.state, 'online');
    assert.equal(at(109, news(), stored), undefined);
    const offline = at(110, news({ trouble: 'node n1 cannot be reached' }), stored)!;
    assert.equal(offline.state, 'offline');
    assert.equal(offline.detail, 'no word for 10 s: node n1 cannot be reached');
    assert.equal(offline.since, 110_000);
    assert.deepEqual(offline.pools, stored.pools);
    assert.equal(at(120, news(), offline), undefined);
  });

  it('is what the last leader wrote, until the new one has waited as long itself', () => {
    const silent = news({ reached: false, trouble: 'not reached yet' });
    assert.equal(at(105, silent, stored), undefined);
    assert.equal(at(105, silent), undefined);
    assert.equal(at(110, silent, stored)!.state, 'offline');
    assert.equal(at(110, silent)!.host.criu.reason, 'its agent was never reached');
  });

  it('is written at once for a reboot or a new pool, for load and use only every five seconds', () => {
    const alive = { heardAt: 102_000 };
    assert.equal(at(102, news({ ...alive, bootId: 'b2' }), stored)!.bootId, 'b2');
    assert.equal(at(102, news({ ...alive, pools: [] }), stored), undefined);
    const used = news({ ...alive, load1: 3, memoryUsedBytes: 5 });
    assert.equal(at(104, used, stored), undefined);
    assert.equal(at(105, used, stored)!.load1, 3);
    assert.equal(at(105, news(alive), stored), undefined);
  });
});
