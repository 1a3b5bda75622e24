/** Networks: things that every host has under one name. */
import { createHash } from 'node:crypto';
import type { Config } from './instance.ts';

/** Key `networks/<name>`; written by the network API. */
export interface NetworkRecord {
  readonly name: string;
  readonly type: 'bridge';
  readonly description: string;
  /** LXD keys: ipv4.address (gateway with prefix), ipv4.nat, ipv4.ranges (the range instances get addresses from). */
  readonly config: Config;
  /**
   * Berth made the bridges and joins them: each host is the gateway of its instances, and serves them. Absent: the bridges
   * were there before, and what they are is their owner's.
   */
  readonly joined?: boolean;
  /** Keys that a host has for itself, by its name: bridge.external_interfaces. */
  readonly members?: Readonly<Record<string, Config>>;
}

/** Key `pending-networks/<name>`: named member by member, not made yet. */
export interface PendingNetwork {
  readonly name: string;
  readonly description: string;
  readonly members: Readonly<Record<string, Config>>;
}

/** What tells the tunnels of networks apart: 24 bits. No two networks of a cluster may have the same. */
export function tunnelId(name: string): number {
  return createHash('sha256').update(`tunnel ${name}`).digest().readUIntBE(0, 3) || 1;
}

/** Key `addresses/<network>/<address>`; created with the instance that holds it, which makes it unique. */
export interface AddressRecord {
  readonly address: string;
  readonly instance: string;
  readonly device: string;
}
