/** From the view to a placement: what the scheduler is shown, and what an instance asks for. The decision is its own. */

import { rootDisk } from '../domain/devices.ts';
import { fail } from '../domain/errors.ts';
import type { Config, Devices } from '../domain/instance.ts';
import { nicKind, nics } from '../domain/nic.ts';
import type { NodeRecord, NodeStatusRecord } from '../domain/node.ts';
import type { Placement } from '../domain/placement.ts';
import { type Requests, requestsOf } from '../domain/resources.ts';
import { refuseGrowth } from '../scheduler/grow.ts';
import { place } from '../scheduler/place.ts';
import type { NodeSnapshot, PlaceRequest } from '../scheduler/snapshot.ts';
import type { View } from '../store/view.ts';
import { NO_ALLOCATION } from './instances/allocations.ts';
import { type Kinds, kindOf, kindsByNode } from './instances/kinds.ts';
import { clusterSetting } from './server-config.ts';
import { ALLOCATIONS, NETWORKS, NODE_STATUS, NODES, VOLUMES } from './spaces.ts';
import { volumesAmong } from './volumes/devices.ts';
import { volumeHome } from './volumes/store.ts';

export type Target = NonNullable<PlaceRequest['target']>;

export interface PlacingOptions {
  readonly target?: Target | undefined;
  /** Nodes that it shall leave. */
  readonly except?: readonly string[];
  /** It runs, and goes on running: the new node must be able to restore it. */
  readonly liveFrom?: string | undefined;
}

/** What is placed: an instance or one that might become one. */
export interface Placeable {
  readonly id: string;
  readonly project: string;
  readonly architecture: string;
  readonly image: string;
  readonly profiles: readonly string[];
  /** Both expanded. */
  readonly config: Config;
  readonly devices: Devices;
}

/** Decides; commits nothing. `node` is '' when nothing fits, and `summary` says why. */
export function decidePlacement(view: View, what: Placeable, now: number, options: PlacingOptions = {}): Placement {
  const nodes = nodeSnapshots(view);
  const decision = place(placeRequest(view, what, nodes, options), nodes, what.id);
  return {
    node: decision.kind === 'placed' ? decision.node : '',
    at: new Date(now).toISOString(),
    summary: decision.summary,
    reasons: decision.reasons,
  };
}

/** What the instance holds on its node. A limit in per cent is one of the node's memory. */
export function requestsOn(view: View, node: string, what: Pick<Placeable, 'config' | 'devices'>): Requests {
  const hostMemoryBytes = view.get(NODE_STATUS.key(node))?.value.host.memoryBytes ?? 0;
  return requestsOf(what.config, what.devices, hostMemoryBytes);
}

/** @throws AppError `exhausted` when its node has no room for what the instance wants to hold in future. */
export function mustFitInPlace(view: View, name: string, pool: string, before: Requests, after: Requests): void {
  const node = nodeSnapshots(view).find(each => each.name === name);
  const why = node && refuseGrowth(node, pool, before, after);
  if (why !== undefined)
    fail('exhausted', `${name} has no room for it: ${why}; ask for less, or move the instance first`);
}

export function nodeSnapshots(view: View): readonly NodeSnapshot[] {
  const kinds = kindsByNode(view);
  return view.list(NODES).map(({ value }) => snapshotOf(view, value, kinds.get(value.name) ?? new Map()));
}

function placeRequest(
  view: View,
  what: Placeable,
  nodes: readonly NodeSnapshot[],
  options: PlacingOptions,
): PlaceRequest {
  const source = nodes.find(({ name }) => name === options.liveFrom);
  return {
    architecture: what.architecture,
    requests: requestsOf(what.config, what.devices, Math.max(0, ...nodes.map(node => node.memoryBytes))),
    pool: rootDisk(what.devices)?.pool ?? '',
    networks: nics(what.devices).flatMap(({ device, network }) =>
      nicKind(what.devices[device]!) === 'bridged' ? network : [],
    ),
    volumes: volumesAmong(what.devices).flatMap(({ pool, name }) => {
      const node = view.get(VOLUMES.key(volumeHome(view, what.project), pool, name))?.value.node ?? '';
      return node === '' ? [] : [{ name, node }];
    }),
    kind: kindOf(what),
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.except === undefined ? {} : { except: options.except }),
    ...(source === undefined ? {} : { liveFrom: { ...source.move, node: source.name } }),
  };
}

function snapshotOf(view: View, node: NodeRecord, kinds: Kinds): NodeSnapshot {
  const status: NodeStatusRecord | undefined = view.get(NODE_STATUS.key(node.name))?.value;
  const allocation = view.get(ALLOCATIONS.key(node.name))?.value ?? NO_ALLOCATION;
  return {
    name: node.name,
    online: status?.state === 'online',
    admits: node.admission === 'open',
    takes: takesOf(node),
    architecture: node.architecture,
    groups: node.groups,
    cpus: status?.host.cpus ?? 0,
    memoryBytes: status?.host.memoryBytes ?? 0,
    overcommit: {
      cpu: clusterSetting(view, 'cluster.overcommit.cpu'),
      memory: clusterSetting(view, 'cluster.overcommit.memory'),
    },
    allocated: allocation.requests,
    instances: allocation.instances,
    kinds,
    pools: (status?.pools ?? []).map(({ name, driver, totalBytes, usedBytes }) => ({
      name,
      driver,
      freeBytes: Math.max(0, totalBytes - usedBytes),
    })),
    // Managed networks exist everywhere by definition (the reconciler `equip` sees to it); others the host has by itself.
    networks: [...new Set([...view.list(NETWORKS).map(({ value }) => value.name), ...(status?.host.networks ?? [])])],
    move: {
      criu: status?.host.criu.works ?? false,
      criuReason: status?.host.criu.reason ?? '',
      cgroupV2: status?.host.cgroupV2 ?? false,
      cpuFlags: status?.host.cpuFlags ?? [],
      idmapBase: status?.host.idmapBase ?? 0,
      idmapSize: status?.host.idmapSize ?? 0,
    },
  };
}

/** `scheduler.instance`, whose value was checked when it was set. */
function takesOf({ config }: NodeRecord): NodeSnapshot['takes'] {
  return (config['scheduler.instance'] || 'all') as NodeSnapshot['takes'];
}

/** @throws AppError `exhausted` with the scheduler's sentence when nothing fits. */
export function mustFit(placement: Placement): Placement {
  if (placement.node === '') fail('exhausted', `No host fits: ${placement.summary}`);
  return placement;
}
