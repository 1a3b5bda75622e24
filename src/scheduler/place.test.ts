import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NOTHING, type Requests } from '../domain/resources.ts';
import { place } from './place.ts';
import type { NodeSnapshot, PlaceRequest } from './snapshot.ts';

const GiB = 2 ** 30;
const MOVE = {
  criu: true,
  criuReason: '',
  cgroupV2: false,
  cpuFlags: ['avx'],
  idmapBase: 1_000_000,
  idmapSize: 65_536,
};

const node = (name: string, more: Partial<NodeSnapshot> = {}): NodeSnapshot => ({
  name,
  online: true,
  admits: true,
  takes: 'all',
  architecture: 'x86_64',
  groups: ['default'],
  cpus: 4,
  memoryBytes: 8 * GiB,
  overcommit: { cpu: 4, memory: 1 },
  allocated: NOTHING,
  instances: 0,
  kinds: new Map(),
  pools: [{ name: 'default', driver: 'btrfs', freeBytes: 100 * GiB }],
  networks: ['berthbr0'],
  move: MOVE,
  ...more,
});

const request = (more: Partial<PlaceRequest> = {}): PlaceRequest => ({
  architecture: 'x86_64',
  requests: NOTHING,
  pool: 'default',
  networks: ['berthbr0'],
  kind: 'busybox',
  ...more,
});

const memory = (memoryBytes: number): Requests => ({ ...NOTHING, memoryBytes });

describe('place', () => {
  it('says why nothing fits, commonest reason first, with the largest that there is', () => {
    const nodes = [
      node('n1', { allocated: memory(7.5 * GiB) }),
      node('n2', { allocated: memory(7.75 * GiB) }),
      node('n3', { admits: false }),
    ];
    const decision = place(request({ requests: memory(GiB) }), nodes, 's');
    assert.equal(decision.kind, 'rejected');
    assert.equal(decision.summary, '0 of 3 hosts: 2 not enough memory (largest free 512MiB, needs 1GiB), 1 cordoned');
    assert.deepEqual(decision.reasons[1]?.because, ['not enough memory (largest free 256MiB, needs 1GiB)']);
  });

  it('names the hosts there are when the one asked for is not among them', () => {
    const decision = place(request({ target: { node: 'n9' } }), [node('n1'), node('n2')], 's');
    assert.equal(decision.summary, 'there is no host "n9" (hosts: n1, n2)');
  });

  for (const [because, refused, more] of [
    ['offline', { online: false }, {}],
    ['cordoned', { admits: false }, {}],
    ['takes only what names it (scheduler.instance: manual)', { takes: 'manual' }, {}],
    ['takes only what names it (scheduler.instance: manual)', { takes: 'manual' }, { target: { group: 'default' } }],
    ['takes only what names it (scheduler.instance: group)', { takes: 'group' }, {}],
    ['other architecture (needs x86_64)', { architecture: 'aarch64' }, {}],
    ['lacks the storage pool (needs "default")', { pools: [] }, {}],
    ['lacks a network (needs "berthbr0")', { networks: [] }, {}],
    ['too few CPUs (largest has 4, needs 5)', {}, { requests: { ...NOTHING, cpuMillis: 5000 } }],
    ['not enough disk (largest free 100GiB, needs 200GiB)', {}, { requests: { ...NOTHING, diskBytes: 200 * GiB } }],
    [
      'cannot restore running containers (too old)',
      { move: { ...MOVE, criu: false, criuReason: 'too old' } },
      { liveFrom: { ...MOVE, node: 'n0' } },
    ],
    ['lacks CPU features of the source', {}, { liveFrom: { ...MOVE, cpuFlags: ['avx', 'avx512'], node: 'n0' } }],
    ['other id range than the source', {}, { liveFrom: { ...MOVE, idmapBase: 100_000, node: 'n0' } }],
    ['other cgroup version than the source', {}, { liveFrom: { ...MOVE, cgroupV2: true, node: 'n0' } }],
    ['where it is now', {}, { except: ['n1'] }],
    ['not the target asked for', {}, { target: { group: 'gpu' } }],
  ] as const) {
    it(`refuses a node: ${because}`, () => {
      const decision = place(request(more), [node('n1', refused)], 's');
      assert.equal(decision.summary, `0 of 1 host: 1 ${because}`);
    });
  }

  it('puts there what names it, or its group', () => {
    const placed = (takes: NodeSnapshot['takes'], target: NonNullable<PlaceRequest['target']>) =>
      place(request({ target }), [node('n1', { takes })], 's').kind === 'placed';
    assert.ok(placed('manual', { node: 'n1' }));
    assert.ok(placed('group', { node: 'n1' }));
    assert.ok(placed('group', { group: 'default' }));
  });

  it('spreads thirty like instances ten, ten, ten', () => {
    const counts = new Map([
      ['n1', 0],
      ['n2', 0],
      ['n3', 0],
    ]);
    for (let i = 0; i < 30; i += 1) {
      const nodes = [...counts].map(([name, count]) =>
        node(name, { instances: count, kinds: new Map([['busybox', count]]) }),
      );
      const decision = place(request(), nodes, `instance-${i}`);
      assert.equal(decision.kind, 'placed');
      if (decision.kind === 'placed') counts.set(decision.node, counts.get(decision.node)! + 1);
    }
    assert.deepEqual([...counts.values()], [10, 10, 10]);
  });

  it('puts like instances apart even where that is the fuller host', () => {
    const nodes = [node('n1', { instances: 1, kinds: new Map([['busybox', 1]]) }), node('n2', { instances: 3 })];
    const decision = place(request(), nodes, 's');
    assert.equal(decision.kind === 'placed' && decision.node, 'n2');
    assert.equal(decision.summary, 'n2 of 2 hosts: best by spread of its kind');
  });

  it('breaks ties by seed: repeatable, and fair over seeds', () => {
    const nodes = [node('n1'), node('n2'), node('n3')];
    const chosen = (seed: string) => {
      const decision = place(request(), nodes, seed);
      return decision.kind === 'placed' ? decision.node : '';
    };
    assert.equal(chosen('a'), chosen('a'));
    const counts = { n1: 0, n2: 0, n3: 0 } as Record<string, number>;
    for (let i = 0; i < 3000; i += 1) counts[chosen(`seed ${i}`)]! += 1;
    for (const count of Object.values(counts)) assert.ok(count > 800, JSON.stringify(counts));
  });

  const anyNode = fc.record({
    online: fc.boolean(),
    admits: fc.boolean(),
    allocated: fc.integer({ min: 0, max: 8 }).map(gib => memory(gib * GiB)),
    instances: fc.nat(20),
  });
  it('never chooses what a rule refuses, and the best score of what is left (against a plain twin)', () => {
    fc.assert(
      fc.property(
        fc.array(anyNode, { maxLength: 8 }),
        fc.integer({ min: 0, max: 8 }),
        fc.string(),
        (specs, gib, seed) => {
          const nodes = specs.map((spec, i) => node(`n${i}`, spec));
          const decision = place(request({ requests: memory(gib * GiB) }), nodes, seed);
          const may = nodes.filter(n => n.online && n.admits && 8 * GiB - n.allocated.memoryBytes >= gib * GiB);
          assert.equal(decision.kind === 'placed', may.length > 0);
          const fits = decision.reasons.filter(reason => reason.verdict !== 'rejected');
          assert.deepEqual(
            fits.map(reason => reason.node),
            may.map(n => n.name),
          );
          const chosen = fits.find(reason => reason.verdict === 'chosen');
          if (chosen) assert.equal(chosen.score, Math.max(...fits.map(reason => reason.score!)));
        },
      ),
    );
  });
});
