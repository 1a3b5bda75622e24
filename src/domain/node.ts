/** A node: a host with an agent. LXD says cluster member. */
import type { Config } from './instance.ts';

/** Key `nodes/<name>`; written by the cluster API (join, edit, evacuate, restore, remove). */
export interface NodeRecord {
  readonly name: string;
  /** `host:port` of the agent's gRPC server. */
  readonly address: string;
  /** sha256 of the agent's certificate. */
  readonly fingerprint: string;
  readonly architecture: string;
  readonly description: string;
  readonly roles: readonly string[];
  readonly failureDomain: string;
  readonly groups: readonly string[];
  readonly config: Config;
  /** Admits new instances? `evacuated` members do not. */
  readonly admission: 'open' | 'evacuated';
  /** ISO 8601. */
  readonly joinedAt: string;
}

/** Key `node-status/<name>`; written by the reconciler `observe` alone. Usage changes are written at most every 5 s. */
export interface NodeStatusRecord {
  readonly name: string;
  readonly state: 'online' | 'offline';
  /** For a person: why offline. */
  readonly detail: string;
  /** ms since the epoch: when `state` last changed. */
  readonly since: number;
  readonly bootId: string;
  readonly host: HostFacts;
  readonly pools: readonly PoolFacts[];
  readonly memoryUsedBytes: number;
  readonly load1: number;
}

export interface PoolFacts {
  readonly name: string;
  readonly driver: string;
  readonly totalBytes: number;
  readonly usedBytes: number;
}

export interface HostFacts {
  readonly architecture: string;
  readonly kernel: string;
  readonly agentVersion: string;
  readonly lxcVersion: string;
  readonly dataAddress: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly cgroupV2: boolean;
  readonly networks: readonly string[];
  readonly criu: { readonly works: boolean; readonly version: string; readonly reason: string };
  readonly osName: string;
  readonly osVersion: string;
  readonly cpuModel: string;
  readonly cpuFlags: readonly string[];
  readonly idmapBase: number;
  readonly idmapSize: number;
  readonly lxcfs: boolean;
}

/** Key `allocations/<node>`: what is promised on a node; changed in the same transaction as the instance that holds it. */
export interface AllocationRecord {
  readonly instances: number;
  readonly requests: { readonly cpuMillis: number; readonly memoryBytes: number; readonly diskBytes: number };
}
