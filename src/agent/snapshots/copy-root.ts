/** A root that is a copy of another instance's on this host, as it is now or as one of its snapshots has it. */
import { fail } from '../../domain/errors.ts';
import type { CopyOf } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Host } from '../host.ts';
import { checkId, isPrivileged, type Spec } from '../spec.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { instanceVolume } from '../storage/volume.ts';
import { whileStill } from './while-still.ts';

export interface CopyOrder {
  /** Id of the instance that is copied. */
  readonly instance: string;
  /** Id of its snapshot; undefined: as it is now. */
  readonly snapshot: string | undefined;
  /** Snapshots copied along: ids of the original's, and what they are in the copy. Their states are not copied. */
  readonly snapshots: Readonly<Record<string, string>>;
}

/** @throws AppError `invalid` */
export function parseCopy(message: CopyOf | undefined): CopyOrder | undefined {
  if (message === undefined) return undefined;
  const { instance, snapshot, snapshots } = message;
  for (const each of Object.entries(snapshots).flat()) checkId(each);
  return {
    instance: checkId(instance),
    snapshot: snapshot === '' ? undefined : checkId(snapshot),
    snapshots: { ...snapshots },
  };
}

/** Repeatable. One that runs stands still for the copy, where its pool needs that. */
export async function copyRoot(host: Host, driver: StorageDriver, spec: Spec, order: CopyOrder): Promise<void> {
  const original =
    host.ledger.get(order.instance) ?? fail('not-found', 'the instance to be copied is not on this host');
  if (host.pools.get(original.pool) !== driver) {
    fail('unsupported', `a copy lies in the pool of its original (${original.pool})`);
  }
  if (isPrivileged(original.spec.config) !== isPrivileged(spec.config)) {
    fail(
      'unsupported',
      'a copy is privileged or not as its original is: the owners of its files would have to be changed',
    );
  }
  const from = instanceVolume(order.instance);
  const to = instanceVolume(spec.id);
  if (order.snapshot !== undefined) await driver.cloneSnapshot(from, order.snapshot, to);
  else
    await host.locks.run(order.instance, () => whileStill(host, order.instance, driver, () => driver.clone(from, to)));
  for (const [name, target] of Object.entries(order.snapshots)) await driver.copySnapshot(from, name, to, target);
}
