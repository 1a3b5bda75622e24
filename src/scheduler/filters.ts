/**
 * Which nodes may hold an instance: a table of rules, each a reason and a test. The order is the order in which they
 * are named to the user: what an operator decided comes before what the hardware lacks.
 */
import { formatBytes } from '../domain/size.ts';
import type { NodeSnapshot, PlaceRequest } from './snapshot.ts';

export interface Filter {
  /** Completes "2 …" in a refusal. */
  readonly because: string;
  /** Undefined: the rule does not apply to this request. */
  readonly prepare: (request: PlaceRequest) => ((node: NodeSnapshot) => boolean) | undefined;
  /** What would have been needed, given the nodes that this rule refused. */
  readonly detail?: (request: PlaceRequest, refused: readonly NodeSnapshot[]) => string;
}

/** What a node has too little of: also asked when an instance grows where it is. */
export const RESOURCE_FILTERS: readonly Filter[] = [
  {
    because: 'not enough memory',
    prepare: ({ requests }) =>
      requests.memoryBytes === 0 ? undefined : node => freeMemoryBytes(node) >= requests.memoryBytes,
    detail: ({ requests }, refused) =>
      `largest free ${formatBytes(largest(refused, freeMemoryBytes))}, needs ${formatBytes(requests.memoryBytes)}`,
  },
  {
    because: 'too few CPUs',
    prepare: ({ requests }) => (requests.cpuMillis === 0 ? undefined : node => node.cpus * 1000 >= requests.cpuMillis),
    detail: ({ requests }, refused) =>
      `largest has ${largest(refused, node => node.cpus)}, needs ${requests.cpuMillis / 1000}`,
  },
  {
    because: 'not enough free CPU',
    prepare: ({ requests }) =>
      requests.cpuMillis === 0 ? undefined : node => freeCpuMillis(node) >= requests.cpuMillis,
    detail: ({ requests }, refused) =>
      `largest free ${largest(refused, freeCpuMillis) / 1000}, needs ${requests.cpuMillis / 1000}`,
  },
  {
    because: 'not enough disk',
    prepare: request =>
      request.requests.diskBytes === 0
        ? undefined
        : node => freeDiskBytes(node, request.pool) >= request.requests.diskBytes,
    detail: (request, refused) =>
      `largest free ${formatBytes(largest(refused, node => freeDiskBytes(node, request.pool)))}, needs ${formatBytes(request.requests.diskBytes)}`,
  },
];

export const FILTERS: readonly Filter[] = [
  {
    because: 'not the target asked for',
    prepare: ({ target }) =>
      target === undefined
        ? undefined
        : node => ('node' in target ? node.name === target.node : node.groups.includes(target.group)),
  },
  {
    because: 'where it is now',
    prepare: ({ except }) => (except === undefined ? undefined : node => !except.includes(node.name)),
  },
  { because: 'offline', prepare: () => node => node.online },
  { because: 'cordoned', prepare: () => node => node.admits },
  {
    because: 'takes only what names it',
    prepare: ({ target }) =>
      target === undefined || 'group' in target
        ? node => node.takes === 'all' || (node.takes === 'group' && target !== undefined)
        : undefined,
    detail: (_request, refused) => `scheduler.instance: ${refused[0]?.takes}`,
  },
  {
    because: 'other architecture',
    prepare: request => node => node.architecture === request.architecture,
    detail: request => `needs ${request.architecture}`,
  },
  {
    because: 'lacks the storage pool',
    prepare: request => (request.pool === '' ? undefined : node => node.pools.some(pool => pool.name === request.pool)),
    detail: request => `needs "${request.pool}"`,
  },
  {
    because: 'a storage volume of it lies elsewhere',
    prepare: ({ volumes = [] }) =>
      volumes.length === 0 ? undefined : node => volumes.every(volume => volume.node === node.name),
    detail: ({ volumes = [] }) => volumes.map(({ name, node }) => `"${name}" is on ${node}`).join(', '),
  },
  {
    because: 'lacks a network',
    prepare: request =>
      request.networks.length === 0 ? undefined : node => request.networks.every(name => node.networks.includes(name)),
    detail: request => `needs ${request.networks.map(name => `"${name}"`).join(', ')}`,
  },
  ...RESOURCE_FILTERS,
  {
    because: 'cannot restore running containers',
    prepare: ({ liveFrom }) => (liveFrom === undefined ? undefined : node => node.move.criu),
    detail: (_request, refused) => refused.find(node => node.move.criuReason !== '')?.move.criuReason ?? '',
  },
  {
    because: 'other cgroup version than the source',
    prepare: ({ liveFrom }) => (liveFrom === undefined ? undefined : node => node.move.cgroupV2 === liveFrom.cgroupV2),
  },
  {
    because: 'lacks CPU features of the source',
    prepare: ({ liveFrom }) => {
      if (liveFrom === undefined) return undefined;
      return node => {
        const has = new Set(node.move.cpuFlags);
        return liveFrom.cpuFlags.every(flag => has.has(flag));
      };
    },
  },
  {
    because: 'other id range than the source',
    prepare: ({ liveFrom }) =>
      liveFrom === undefined
        ? undefined
        : node => node.move.idmapBase === liveFrom.idmapBase && node.move.idmapSize === liveFrom.idmapSize,
  },
];

export function freeMemoryBytes(node: NodeSnapshot): number {
  return Math.max(0, node.memoryBytes * node.overcommit.memory - node.allocated.memoryBytes);
}

export function freeCpuMillis(node: NodeSnapshot): number {
  return Math.max(0, node.cpus * 1000 * node.overcommit.cpu - node.allocated.cpuMillis);
}

function freeDiskBytes(node: NodeSnapshot, poolName: string): number {
  return node.pools.find(pool => pool.name === poolName)?.freeBytes ?? 0;
}

function largest(nodes: readonly NodeSnapshot[], of: (node: NodeSnapshot) => number): number {
  return nodes.reduce((most, node) => Math.max(most, of(node)), 0);
}
