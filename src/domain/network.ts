/** Networks and storage pools: things that every host has under one name. */
import type { Config } from './instance.ts';

/** Key `networks/<name>`; written by the network API. */
export interface NetworkRecord {
  readonly name: string;
  readonly type: 'bridge';
  readonly description: string;
  /** LXD keys: ipv4.address (gateway with prefix), ipv4.nat, ipv4.ranges (the range instances get addresses from). */
  readonly config: Config;
}

/** Key `addresses/<network>/<address>`; created with the instance that holds it, which makes it unique. */
export interface AddressRecord {
  readonly address: string;
  readonly instance: string;
  readonly device: string;
}
