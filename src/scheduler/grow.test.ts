import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOTHING } from '../domain/resources.ts';
import { refuseGrowth } from './grow.ts';
import type { NodeSnapshot } from './snapshot.ts';

const GiB = 2 ** 30;
const memory = (gib: number) => ({ ...NOTHING, memoryBytes: gib * GiB });
const node = (allocatedGib: number): NodeSnapshot => ({
  name: 'n1',
  online: true,
  admits: false,
  takes: 'all',
  architecture: 'x86_64',
  groups: [],
  cpus: 2,
  memoryBytes: 8 * GiB,
  overcommit: { cpu: 1, memory: 1 },
  allocated: memory(allocatedGib),
  instances: 2,
  kinds: new Map(),
  pools: [],
  networks: [],
  move: { criu: true, criuReason: '', cgroupV2: false, cpuFlags: [], idmapBase: 0, idmapSize: 0 },
});

describe('growth in place', () => {
  it('counts what the instance holds already as its own', () => {
    assert.equal(refuseGrowth(node(8), '', memory(4), memory(4.0)), undefined);
    assert.equal(refuseGrowth(node(6), '', memory(2), memory(4)), undefined);
  });
  it('is refused beyond what is free, with the figures', () => {
    assert.equal(refuseGrowth(node(6), '', memory(2), memory(5)), 'not enough memory (largest free 4GiB, needs 5GiB)');
  });
  it('looks only at what grows: a node promised too much lets an instance shrink', () => {
    assert.equal(refuseGrowth(node(20), '', memory(10), memory(9)), undefined);
  });
});
