/**
 * What a kind of device is made of: what it lays into an instance's tree, which LXC reads in its configuration when it
 * starts one, and how it comes into an instance that runs, and out of it.
 */
import type { Config } from '../../domain/instance.ts';
import type { Host } from '../host.ts';
import type { Spec } from '../spec.ts';
import type { Bound } from './bound.ts';

export interface Device {
  readonly name: string;
  readonly options: Config;
}

/** One that has processes, perhaps frozen ones. Its lock is held. */
export interface Running {
  /** For `plug` and `change` as it shall be, for `unplug` as it was. */
  readonly spec: Spec;
  /** Of its init, in the host's numbers. */
  readonly pid: number;
}

export interface DeviceKind {
  /** What it lays into the root, made ready on this host. Repeatable. @throws AppError naming the device */
  bound?(host: Host, spec: Spec, device: Device): Promise<readonly Bound[]>;
  /** Into the instance. Repeatable. @throws AppError naming the device; what is left then `unplug` takes out */
  plug(host: Host, running: Running, device: Device): Promise<void>;
  /** Out of it, also when it is not in it, or half. Repeatable. What the guest has put in its place stays. */
  unplug(host: Host, running: Running, device: Device): Promise<void>;
  /**
   * From one set of options to another without taking it out. Repeatable.
   * @returns false when these options cannot be changed so: it is unplugged and plugged then. Default: always so.
   */
  change?(host: Host, running: Running, before: Device, after: Device): Promise<boolean>;
}
