/**
 * What a local cluster is called and where it lies in the address space, all from its slot number: so that clusters
 * side by side never meet, and so that what a crashed run left can be found by name. Pure.
 *
 * A slot has a /20 of 198.18.0.0/15 (set aside for benchmarks by RFC 2544: never in use on a real network):
 * .0.1 this machine, .0.11 and up the hosts, .0.200 the client, .1.1 to .15.254 the containers.
 */

/** 198.18.0.0/15 holds 32 networks of 4096 addresses. */
export const SLOT_COUNT = 32;
export const MAX_HOSTS = 32;
const BASE = 198 * 2 ** 24 + 18 * 2 ** 16;
const SLOT_ADDRESSES = 4096;

/** The agent's data folder as seen inside each host; the same path everywhere, as on real hosts. */
export const DATA_INSIDE = '/run/berth';
/** The bridge of a host that containers are plugged into. */
export const BRIDGE = 'berthbr0';

export interface HostLayout {
  readonly name: string;
  /** Its network namespace, as `ip netns` lists it. */
  readonly namespace: string;
  readonly address: string;
  /** Pinned, or it would change with every container that comes or goes and cut the host off meanwhile. */
  readonly bridgeMac: string;
  /** Its cgroups, in every hierarchy. */
  readonly cgroup: string;
}

export interface Layout {
  readonly slot: number;
  /** The namespace that is the cable and switch between the hosts. */
  readonly segmentNamespace: string;
  readonly clientNamespace: string;
  readonly clientAddress: string;
  /** This machine's interface on the segment. */
  readonly uplink: string;
  /** This machine's address on the segment, the containers' gateway. */
  readonly gateway: string;
  readonly prefixLength: number;
  /** The addresses of containers, as LXD's `ipv4.ranges` wants it. */
  readonly containerRange: string;
  readonly cgroup: string;
  /** Ports on the loopback address, this slot's own. */
  readonly controllerPort: number;
  etcdPorts(member: number): { readonly client: number; readonly peer: number };
  host(index: number): HostLayout;
}

/** The layout of slot 0 to 31. */
export function layoutOf(slot: number): Layout {
  const address = (offset: number) => dotted(BASE + slot * SLOT_ADDRESSES + offset);
  const prefix = `bd${slot}`;
  const cgroup = `berth-dev${slot}`;
  // below the kernel's ephemeral ports (32768 up), so that nobody's outgoing connection sits on them
  const port = 20_000 + slot * 16;
  return {
    slot,
    segmentNamespace: `${prefix}-lan`,
    clientNamespace: `${prefix}-client`,
    clientAddress: address(200),
    uplink: `${prefix}-lan`,
    gateway: address(1),
    prefixLength: 20,
    containerRange: `${address(256 + 1)}-${address(15 * 256 + 254)}`,
    cgroup,
    controllerPort: port,
    etcdPorts: member => ({ client: port + 2 + 2 * member, peer: port + 3 + 2 * member }),
    host: index => ({
      name: `n${index + 1}`,
      namespace: `${prefix}-n${index + 1}`,
      address: address(11 + index),
      bridgeMac: `02:be:00:${hex(slot)}:00:${hex(index + 1)}`,
      cgroup: `${cgroup}/n${index + 1}`,
    }),
  };
}

/** The slot that a namespace or cgroup name belongs to; undefined if the name is not ours. */
export function slotOfName(name: string): number | undefined {
  const slot = Number(/^(?:bd|berth-dev)(\d{1,2})(?:-(?:lan|client|n\d{1,2}))?$/.exec(name)?.[1] ?? NaN);
  return slot < SLOT_COUNT ? slot : undefined;
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.');
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
