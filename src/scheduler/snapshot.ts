/** What the scheduler knows when it decides: plain data, taken from the controller's view at one revision. */
import type { Requests } from '../domain/resources.ts';

export interface NodeSnapshot {
  readonly name: string;
  readonly online: boolean;
  readonly admits: boolean;
  /** What may be put there: anything, what names it or one of its groups, or only what names it. */
  readonly takes: 'all' | 'group' | 'manual';
  readonly architecture: string;
  readonly groups: readonly string[];
  readonly cpus: number;
  readonly memoryBytes: number;
  /** How much more than it has may be promised; 1 = not at all. */
  readonly overcommit: { readonly cpu: number; readonly memory: number };
  /** What is promised already. */
  readonly allocated: Requests;
  readonly instances: number;
  /** How many instances of each kind it holds (see `PlaceRequest.kind`). */
  readonly kinds: ReadonlyMap<string, number>;
  readonly pools: readonly { readonly name: string; readonly driver: string; readonly freeBytes: number }[];
  readonly networks: readonly string[];
  /** What matters for a live move onto it. */
  readonly move: {
    readonly criu: boolean;
    readonly criuReason: string;
    readonly cgroupV2: boolean;
    readonly cpuFlags: readonly string[];
    readonly idmapBase: number;
    readonly idmapSize: number;
  };
}

export interface PlaceRequest {
  readonly architecture: string;
  readonly requests: Requests;
  readonly pool: string;
  readonly networks: readonly string[];
  /** Custom volumes that it uses, and where each lies. */
  readonly volumes?: readonly { readonly name: string; readonly node: string }[];
  /** Instances of one kind are spread; controllers use image and profiles. */
  readonly kind: string;
  /** Only this node, or only nodes of this group. */
  readonly target?: { readonly node: string } | { readonly group: string };
  /** Not these: the node it leaves. */
  readonly except?: readonly string[];
  /** The node a running instance comes from: the new one must be able to restore it. */
  readonly liveFrom?: NodeSnapshot['move'] & { readonly node: string };
}
