/** "Make me another one like it": as it is now, or as it was at a snapshot; on its host, or on another one of the cluster. */
import { randomUUID } from 'node:crypto';
import { AppError, fail } from '../../domain/errors.ts';
import type { Config, InstanceRecord } from '../../domain/instance.ts';
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import { together } from '../../store/keyspace.ts';
import { getInstance } from '../instances/instance-store.ts';
import { type NewInstance, newInstance } from '../instances/new-instance.ts';
import { getSnapshot, snapshotsOf } from '../instances/snapshot-store.ts';
import { mustBeReachable } from '../instances/state.ts';
import { claim, claiming, claimRefusal } from '../projects/claim.ts';
import type { Json } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { copyElsewhere } from '../sagas/copy-elsewhere.ts';
import { copyInstance } from '../sagas/copy-instance.ts';
import type { CopyOrder } from '../sagas/create-instance.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { INSTANCES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';

export interface InstanceCopy extends Omit<NewInstance, 'image'> {
  /** `c1`, or `c1/snapshot`. */
  readonly source: string;
  /** Leave its snapshots out. */
  readonly instanceOnly: boolean;
}

/**
 * What the request does not say is as with the original, but for what the cluster noted of that one.
 * @throws AppError `not-found`, `exists`, `invalid`, `unsupported` for another pool, `unavailable`, `busy`.
 */
export async function beginCopyInstance(
  commander: Commander,
  request: InstanceCopy,
  requestor?: Requestor,
): Promise<SagaRecord> {
  return claiming(commander.view, request.project, () => begin(commander, request, requestor));
}

async function begin(commander: Commander, request: InstanceCopy, requestor?: Requestor): Promise<SagaRecord> {
  const { engine, view } = commander;
  const { project, target } = request;
  const [name = '', snapshotName] = request.source.split('/', 2);
  const original = getInstance(view, project, name).value;
  mustBeReachable(view, original);
  const snapshot = snapshotName === undefined ? undefined : getSnapshot(view, original.id, snapshotName).value;
  const record = copyOf(snapshot?.was ?? original, original, request, commander);
  const along = snapshot !== undefined || request.instanceOnly ? [] : snapshotsOf(view, original.id);
  const copy: CopyOrder = {
    instance: original.id,
    snapshot: snapshot?.id ?? '',
    snapshots: Object.fromEntries(along.map(({ value }) => [value.id, randomUUID()])),
  };
  const create = { project, name: record.name, id: record.id, image: '', target: { node: original.node }, copy };
  const common = instanceBeginning('Creating instance', record, requestor);
  const key = INSTANCES.key(project, record.name);
  const taken = () => new AppError('exists', `Instance "${record.name}" already exists`);
  if (view.get(key) !== undefined) throw taken();
  if (target !== undefined && !('node' in target && target.node === original.node)) {
    // Its parts are sagas of their own, which claim the name and hold the locks.
    claim(view, record); // would be refused: said before anything begins
    const whole = { create, record: record as unknown as Json, source: name, elsewhere: target };
    return engine.start(copyElsewhere, whole, { ...common, locks: [] });
  }
  const { guards, writes } = together(INSTANCES.create(key, record), claim(view, record));
  const locks = [...common.locks, `instance/${project}/${name}`];
  return engine.start(copyInstance, create, { ...common, locks, guards, writes, refusal: claimRefusal(taken) });
}

/** @param was the original, or what it was at its snapshot */
function copyOf(
  was: SnapshotRecord['was'],
  original: InstanceRecord,
  request: InstanceCopy,
  { view, clock }: Commander,
): InstanceRecord {
  const wanted: NewInstance = {
    ...request,
    architecture: request.architecture || was.architecture,
    config: { ...lasting(was.config), ...lasting(request.config) },
    devices: { ...was.devices, ...request.devices },
    profiles: request.profiles ?? was.profiles,
    image: '',
  };
  const record = newInstance(view, wanted, randomUUID(), clock.now());
  if (record.pool !== original.pool)
    fail('unsupported', `A copy lies in the storage pool of its original, "${original.pool}"`);
  return { ...record, image: original.image };
}

/** What the cluster noted of one instance is not true of another, but for the image it came from. */
function lasting(config: Config): Config {
  const kept = Object.entries(config).filter(([key]) => !key.startsWith('volatile.') || key === 'volatile.base_image');
  return Object.fromEntries(kept);
}
