/**
 * The verbs on custom volumes, one at a time on each. Who runs with a volume stands still while its pool copies it, where
 * the pool needs that to copy one moment.
 */
import { fail } from '../../domain/errors.ts';
import type { Host } from '../host.ts';
import type { Report } from '../progress.ts';
import { whileStill } from '../snapshots/while-still.ts';
import { ownersOf, placeOf, refuseInUse, usersOf, type VolumeRef } from './volume-ref.ts';

export interface VolumeCopy {
  readonly id: string;
  /** Id of a snapshot; undefined: as it is now. */
  readonly snapshot: string | undefined;
  /** Ids of snapshots copied along, and what they are in the copy. */
  readonly snapshots: Readonly<Record<string, string>>;
}

export interface VolumeOrder {
  readonly ref: VolumeRef;
  /** Undefined: no limit. */
  readonly sizeBytes: number | undefined;
  readonly unmapped: boolean;
  readonly copy: VolumeCopy | undefined;
  /** Fills it, instead. */
  readonly fill?: (() => Promise<void>) | undefined;
}

/** Is there, with its limit. What was not finished is removed again. */
export async function ensureVolume(host: Host, order: VolumeOrder, report: Report): Promise<void> {
  const { ref, copy } = order;
  const { driver, volume } = placeOf(host, ref);
  await alone(host, ref, async () => {
    if (await driver.exists(volume)) return driver.setQuota(volume, order.sizeBytes);
    try {
      await driver.remove(volume); // of an earlier try
      if (order.fill !== undefined) {
        report({ phase: 'unpack' });
        await order.fill();
      } else if (copy === undefined) await driver.createEmpty(volume, ownersOf(host, order.unmapped));
      else {
        report({ phase: 'copy' });
        await copyVolume(host, ref, copy);
      }
      await driver.setQuota(volume, order.sizeBytes);
    } catch (thrown) {
      await driver.remove(volume);
      throw thrown;
    }
  });
}

/** The volume goes last: while it is not there, a repetition begins anew. */
async function copyVolume(host: Host, ref: VolumeRef, copy: VolumeCopy): Promise<void> {
  const from = { pool: ref.pool, id: copy.id };
  const source = placeOf(host, from).volume;
  const { driver, volume } = placeOf(host, ref);
  for (const [name, target] of Object.entries(copy.snapshots)) await driver.copySnapshot(source, name, volume, target);
  if (copy.snapshot !== undefined) return driver.cloneSnapshot(source, copy.snapshot, volume);
  await whileUsersStill(host, from, () => driver.clone(source, volume));
}

/** With its snapshots; succeeds if there is none. @throws AppError `conflict` while a running instance uses it */
export async function ensureNoVolume(host: Host, ref: VolumeRef): Promise<void> {
  const { driver, volume } = placeOf(host, ref);
  await alone(host, ref, async () => {
    refuseInUse(host, ref);
    await driver.remove(volume);
    host.diskUsage.forget(ref.id);
  });
}

/** Bytes that its files occupy. */
export async function volumeUsage(host: Host, ref: VolumeRef): Promise<number> {
  const { driver, volume } = placeOf(host, ref);
  return (await host.diskUsage.of(ref.id, () => driver.usageBytes(volume))) ?? 0;
}

export async function ensureVolumeSnapshot(host: Host, ref: VolumeRef, snapshot: string): Promise<void> {
  const { driver, volume } = placeOf(host, ref);
  await alone(host, ref, async () => {
    if ((await driver.listSnapshots(volume)).includes(snapshot)) return;
    await whileUsersStill(host, ref, () => driver.snapshot(volume, snapshot));
  });
}

/** Succeeds if there is none. */
export async function ensureNoVolumeSnapshot(host: Host, ref: VolumeRef, snapshot: string): Promise<void> {
  const { driver, volume } = placeOf(host, ref);
  await alone(host, ref, () => driver.removeSnapshot(volume, snapshot));
}

export interface VolumeRestore {
  readonly ref: VolumeRef;
  readonly snapshot: string;
  readonly sizeBytes: number | undefined;
  /** What it held until now becomes this snapshot; undefined: it is thrown away. */
  readonly replaced: string | undefined;
}

/** @throws AppError `conflict` while a running instance uses it, `not-found` if there is no such snapshot */
export async function restoreVolume(host: Host, { ref, snapshot, sizeBytes, replaced }: VolumeRestore): Promise<void> {
  const { driver, volume } = placeOf(host, ref);
  await alone(host, ref, async () => {
    if (!(await driver.listSnapshots(volume)).includes(snapshot)) fail('not-found', 'there is no such snapshot');
    refuseInUse(host, ref);
    await driver.restore(volume, snapshot, replaced);
    await driver.setQuota(volume, sizeBytes);
    host.diskUsage.forget(ref.id);
  });
}

export const alone = <T>(host: Host, ref: VolumeRef, work: () => Promise<T>): Promise<T> =>
  host.locks.run(ref.id, work);

/** Its users one inside the other, each under its lock; in the order of their ids, so that two such calls cannot block each other. */
export async function whileUsersStill(host: Host, ref: VolumeRef, copy: () => Promise<void>): Promise<void> {
  const { driver } = placeOf(host, ref);
  const users = driver.snapshotsAreAtomic ? [] : usersOf(host, ref).map(({ spec }) => spec.id);
  const held = users
    .toSorted()
    .reduceRight<() => Promise<void>>(
      (inner, id) => () => host.locks.run(id, async () => void (await whileStill(host, id, driver, inner))),
      copy,
    );
  await held();
}

/** @throws AppError `busy` if the pool holds custom volumes. A pool that cannot be opened holds none that we could save. */
export async function refuseWithVolumes(host: Host, pool: string): Promise<void> {
  if (!host.pools.names().includes(pool)) return;
  const held = await host.pools
    .get(pool)
    .list()
    .catch(() => []);
  if (held.some(({ kind }) => kind === 'custom')) fail('busy', `storage pool ${pool} holds custom volumes`);
}
