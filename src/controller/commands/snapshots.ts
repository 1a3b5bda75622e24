/** "Remember it as it is now", "put it back", "call that otherwise", "forget it". */
import { randomUUID } from 'node:crypto';
import { AppError, fail } from '../../domain/errors.ts';
import type { Config, InstanceRecord } from '../../domain/instance.ts';
import { checkName } from '../../domain/names.ts';
import { mustBeAllowed } from '../../domain/project-restrictions.ts';
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import { expiryOf } from '../../domain/snapshot-expiry.ts';
import { nextSnapshotName } from '../../domain/snapshot-name.ts';
import type { View } from '../../store/view.ts';
import { expanded } from '../instances/expanded.ts';
import { getInstance } from '../instances/instance-store.ts';
import { checkWhole } from '../instances/new-instance.ts';
import { getSnapshot } from '../instances/snapshot-store.ts';
import { mustBeReachable, seenState } from '../instances/state.ts';
import { getProject } from '../projects/project-store.ts';
import type { Beginning } from '../saga/engine.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { changeSnapshot } from '../sagas/change-snapshot.ts';
import { createSnapshot } from '../sagas/create-snapshot.ts';
import { deleteSnapshot } from '../sagas/delete-snapshot.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { restoreSnapshot } from '../sagas/restore-snapshot.ts';
import { snapshotResources } from '../sagas/urls.ts';
import { SNAPSHOTS } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';

/** Names a snapshot. */
export interface SnapshotName {
  readonly project: string;
  /** Of the instance. */
  readonly name: string;
  readonly snapshot: string;
}

export interface NewSnapshot extends SnapshotName {
  /** With its memory and processes. */
  readonly stateful: boolean;
  /** ISO 8601; '' = never; undefined = as `snapshots.expiry` says. */
  readonly expiresAt?: string | undefined;
  /** ms since the epoch: the time of its schedule. */
  readonly scheduledFor?: number;
}

/** @param wanted `snapshot` '' = as `snapshots.pattern` says @throws AppError `not-found`, `exists`, `invalid`, `unavailable`, `busy`. */
export async function beginCreateSnapshot(
  { engine, view, clock }: Commander,
  wanted: NewSnapshot,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { project, name, stateful } = wanted;
  const { value } = getInstance(view, project, name);
  mustBeAllowed(getProject(view, project), 'snapshots');
  if (stateful && seenState(view, value) !== 'running')
    fail('invalid', "Unable to create a stateful snapshot. The instance isn't running");
  mustBeReachable(view, value);
  const { config } = expanded(view, value);
  const taken = view.list(SNAPSHOTS, value.id).map(each => each.value.name);
  const now = clock.now();
  const snapshot = wanted.snapshot || nextSnapshotName(config['snapshots.pattern'], taken, now);
  const record = newSnapshot(value, checkName('snapshot', snapshot), stateful, {
    createdAt: isoTime(now),
    expiresAt: wanted.expiresAt ?? isoTime(expiryOf(config['snapshots.expiry'], now)),
    ...(wanted.scheduledFor === undefined ? {} : { scheduledFor: isoTime(wanted.scheduledFor) }),
  });
  const { guards, writes } = SNAPSHOTS.create(SNAPSHOTS.key(value.id, snapshot), record);
  const input = { project, name, id: value.id, snapshot: record.id, stateful };
  return engine.start(createSnapshot, input, {
    ...beginning('Snapshotting instance', value, snapshot, requestor),
    guards,
    writes,
    refusal: () => nameTaken(snapshot),
  });
}

/** @throws AppError `not-found`, `unavailable`, `busy`. */
export async function beginDeleteSnapshot(
  { engine, view }: Commander,
  { project, name, snapshot }: SnapshotName,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value, found } = get(view, { project, name, snapshot });
  mustBeReachable(view, value);
  const input = { project, name, id: value.id, snapshot: found.id };
  return engine.start(deleteSnapshot, input, beginning('Deleting snapshot', value, snapshot, requestor));
}

export interface SnapshotChange extends SnapshotName {
  readonly newName?: string;
  /** ISO 8601; '' = never. */
  readonly expiresAt?: string;
}

/** @throws AppError `not-found`, `exists`, `invalid` for a bad name, `busy`. */
export async function beginChangeSnapshot(
  { engine, view }: Commander,
  { newName, expiresAt, ...which }: SnapshotChange,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value, found } = get(view, which);
  const key = newName === undefined ? undefined : SNAPSHOTS.key(value.id, checkName('snapshot', newName));
  if (newName !== undefined && newName !== which.snapshot && view.get(key!) !== undefined) throw nameTaken(newName);
  const change = { ...(newName === undefined ? {} : { newName }), ...(expiresAt === undefined ? {} : { expiresAt }) };
  const { project, name } = which;
  const input = { project, name, id: value.id, snapshot: found.id, ...change };
  const what = newName === undefined ? 'Updating snapshot' : 'Renaming snapshot';
  return engine.start(changeSnapshot, input, beginning(what, value, newName ?? which.snapshot, requestor));
}

/**
 * Disk, configuration and, if wished, memory and processes. One that runs is stopped for it and started again.
 * @throws AppError `not-found`, `invalid` when it cannot be as it was, `unavailable`, `busy`.
 */
export async function beginRestoreSnapshot(
  { engine, view }: Commander,
  { project, name, snapshot, stateful }: SnapshotName & { readonly stateful: boolean },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value, found } = get(view, { project, name, snapshot });
  if (found.phase === 'deleting') fail('invalid', `Snapshot "${snapshot}" is being deleted`);
  if (stateful && !found.stateful) fail('invalid', `Snapshot "${snapshot}" has no memory and processes to restore`);
  const { lastUsedAt: _, ...was } = found.was;
  const next = { ...was, config: { ...lasting(was.config) } };
  const pool = checkWhole(view, { project, ...next }, value.node);
  if (pool !== value.pool)
    fail('invalid', `The instance was in storage pool "${pool}" then, and is in "${value.pool}" now`);
  mustBeReachable(view, value);
  const input = { project, name, id: value.id, next, snapshot: found.id, stateful, replaced: randomUUID() };
  return engine.start(restoreSnapshot, input, beginning('Restoring snapshot', value, snapshot, requestor));
}

function newSnapshot(
  { id, architecture, description, config, devices, profiles, ephemeral, lastUsedAt }: InstanceRecord,
  name: string,
  stateful: boolean,
  times: Pick<SnapshotRecord, 'createdAt' | 'expiresAt' | 'scheduledFor'>,
): SnapshotRecord {
  const was = { architecture, description, config, devices, profiles, ephemeral };
  return {
    id: randomUUID(),
    instance: id,
    name,
    phase: 'creating',
    stateful,
    ...times,
    was: { ...was, ...(lastUsedAt === undefined ? {} : { lastUsedAt }) },
  };
}

/** Without what is true of the present whatever was then: in which life of its host it runs, and where it belongs. */
function lasting(config: Config): Config {
  const passing = /^volatile\.(last_state|evacuate)\./;
  return Object.fromEntries(Object.entries(config).filter(([key]) => !passing.test(key)));
}

function get(view: View, { project, name, snapshot }: SnapshotName) {
  const { value } = getInstance(view, project, name);
  return { value, found: getSnapshot(view, value.id, snapshot).value };
}

function beginning(what: string, instance: InstanceRecord, snapshot: string, requestor?: Requestor): Beginning {
  const resources = snapshotResources(instance.project, instance.name, snapshot);
  return { ...instanceBeginning(what, instance, requestor), resources };
}

const nameTaken = (name: string): AppError => new AppError('exists', `Snapshot "${name}" already exists`);

const isoTime = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString());
