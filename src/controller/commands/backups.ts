/** "Put it in an archive", "forget that one", "make me an instance of this archive". */
import { randomUUID } from 'node:crypto';
import type { BackupRecord, Compression } from '../../domain/backup.ts';
import { AppError } from '../../domain/errors.ts';
import { checkName } from '../../domain/names.ts';
import { mustBeAllowed } from '../../domain/project-restrictions.ts';
import type { SnapshotRecord } from '../../domain/snapshot.ts';
import { nextSnapshotName } from '../../domain/snapshot-name.ts';
import { together } from '../../store/keyspace.ts';
import { getBackup } from '../instances/backup-store.ts';
import { getInstance } from '../instances/instance-store.ts';
import { type NewInstance, newInstance } from '../instances/new-instance.ts';
import { mustBeReachable } from '../instances/state.ts';
import { claim, claiming, claimRefusal } from '../projects/claim.ts';
import { getProject } from '../projects/project-store.ts';
import type { Json } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { createBackup, deleteBackup, renameBackup } from '../sagas/backups.ts';
import type { BackupOrder } from '../sagas/create-instance.ts';
import { importInstance } from '../sagas/import-instance.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { backupResources } from '../sagas/urls.ts';
import { BACKUPS, INSTANCES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';
import { mustBeFree } from './rename-instance.ts';

export interface NewBackup {
  readonly project: string;
  /** Of the instance. */
  readonly name: string;
  /** '' = one is made up. */
  readonly backup: string;
  /** ISO 8601; '' = never. */
  readonly expiresAt: string;
  readonly instanceOnly: boolean;
  readonly compression: Compression;
}

/** @throws AppError `not-found`, `exists`, `invalid`, `unavailable`, `busy`. */
export async function beginCreateBackup(
  { engine, view, clock }: Commander,
  { project, name, backup, compression, ...wanted }: NewBackup,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  mustBeAllowed(getProject(view, project), 'backups');
  mustBeReachable(view, value);
  const taken = view.list(BACKUPS, value.id).map(each => each.value.name);
  const called = checkName('backup', backup || nextSnapshotName('backup%d', taken, clock.now()));
  const record: BackupRecord = {
    ...wanted,
    id: randomUUID(),
    instance: value.id,
    name: called,
    phase: 'creating',
    node: value.node,
    createdAt: new Date(clock.now()).toISOString(),
  };
  const { guards, writes } = BACKUPS.create(BACKUPS.key(value.id, called), record);
  const input = { project, name, id: value.id, backup: record.id, compression };
  return engine.start(createBackup, input, {
    ...instanceBeginning('Backing up instance', value, requestor),
    resources: backupResources(project, name, called),
    guards,
    writes,
    refusal: () => new AppError('exists', `Backup "${called}" already exists`),
  });
}

/** Names a backup. */
export interface BackupName {
  readonly project: string;
  readonly name: string;
  readonly backup: string;
}

/** @throws AppError `not-found`, `busy`. */
export async function beginDeleteBackup(
  { engine, view }: Commander,
  { project, name, backup }: BackupName,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  const { id } = getBackup(view, value.id, backup).value;
  const beginning = instanceBeginning('Deleting instance backup', value, requestor);
  const resources = backupResources(project, name, backup);
  return engine.start(deleteBackup, { project, name, id: value.id, backup: id }, { ...beginning, resources });
}

/** @throws AppError `not-found`, `exists`, `invalid`, `busy`. */
export async function beginRenameBackup(
  { engine, view }: Commander,
  { project, name, backup, newName }: BackupName & { readonly newName: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const { value } = getInstance(view, project, name);
  const { id } = getBackup(view, value.id, backup).value;
  const called = checkName('backup', newName);
  const beginning = instanceBeginning('Renaming instance backup', value, requestor);
  const resources = backupResources(project, name, called);
  const input = { project, name, id: value.id, backup: id, newName: called };
  return engine.start(renameBackup, input, { ...beginning, resources });
}

export interface InstanceImport {
  readonly wanted: NewInstance;
  /** On the node that has the upload. */
  readonly order: Omit<BackupOrder, 'snapshots'>;
  readonly snapshots: readonly Omit<SnapshotRecord, 'id' | 'instance'>[];
}

/** @throws AppError `exists` when the name is taken; and what `newInstance` throws. */
export async function beginImportInstance(
  commander: Commander,
  order: InstanceImport,
  requestor?: Requestor,
): Promise<SagaRecord> {
  return claiming(commander.view, order.wanted.project, () => beginImport(commander, order, requestor));
}

async function beginImport(
  { engine, view, clock }: Commander,
  { wanted, order, snapshots }: InstanceImport,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const record = newInstance(view, wanted, randomUUID(), clock.now());
  const { project, name, id } = record;
  const records = snapshots.map(each => ({ ...each, id: randomUUID(), instance: id }));
  for (const each of records) checkName('snapshot', each.name);
  const key = mustBeFree({ view }, project, name);
  const { guards, writes } = together(INSTANCES.create(key, record), claim(view, record));
  const backup = { ...order, snapshots: Object.fromEntries(records.map(each => [each.name, each.id])) };
  const input = { project, name, id, image: '', target: { node: order.node }, backup };
  return engine.start(
    importInstance,
    { ...input, records: records as unknown as readonly Json[] },
    {
      ...instanceBeginning('Restoring backup', record, requestor),
      guards,
      writes,
      refusal: claimRefusal(() => new AppError('exists', `Instance "${name}" already exists`)),
    },
  );
}
