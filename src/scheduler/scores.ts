/** Which of the nodes that may is best: each rule answers 0 (bad) to 1 (good), weighted by how much it matters. */
import { freeCpuMillis, freeMemoryBytes } from './filters.ts';
import type { NodeSnapshot, PlaceRequest } from './snapshot.ts';

export interface Score {
  readonly name: string;
  readonly weight: number;
  readonly prepare: (request: PlaceRequest) => (node: NodeSnapshot) => number;
}

export const SCORES: readonly Score[] = [
  {
    // Like instances apart first: one lost host should not take all of a service with it.
    name: 'spread of its kind',
    weight: 4,
    prepare: ({ kind }) => fewest(node => node.kinds.get(kind) ?? 0),
  },
  { name: 'fewest instances', weight: 2, prepare: () => fewest(node => node.instances) },
  {
    name: 'free memory',
    weight: 1,
    prepare:
      ({ requests }) =>
      node =>
        share(freeMemoryBytes(node) - requests.memoryBytes, node.memoryBytes * node.overcommit.memory),
  },
  {
    name: 'free CPU',
    weight: 1,
    prepare:
      ({ requests }) =>
      node =>
        share(freeCpuMillis(node) - requests.cpuMillis, node.cpus * 1000 * node.overcommit.cpu),
  },
];

/** 1 for the node with none, falling as counts grow; equal counts score equal whatever the others hold. */
function fewest(count: (node: NodeSnapshot) => number): (node: NodeSnapshot) => number {
  return node => 1 / (1 + count(node));
}

function share(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(1, Math.max(0, part / whole));
}
