/** A backup is made, renamed, deleted. Its name is claimed by a record of phase `creating` in the transaction that begins. */
import type { Compression } from '../../domain/backup.ts';
import { AppError, fail } from '../../domain/errors.ts';
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { backupTexts } from '../instances/backup-index.ts';
import { findBackup } from '../instances/backup-store.ts';
import { refOf } from '../instances/expanded.ts';
import { type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { drain } from '../instances/progress.ts';
import { snapshotsOf } from '../instances/snapshot-store.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { BACKUPS } from '../spaces.ts';

/** @param backup its UUID */
/** `id` is that of the instance, or of the custom volume. */
export type BackupInput = InstanceKey & { readonly backup: string };
export type CreateBackupInput = BackupInput & { readonly compression: Compression };
export type RenameBackupInput = BackupInput & { readonly newName: string };

interface Given<Input extends BackupInput = BackupInput> {
  readonly input: Input;
}

export const createBackup = saga<CreateBackupInput>('create-backup', 1)
  .undoable('claim', async () => {}, forget)
  .undoable('make', make, remove)
  .pivot('publish', publish)
  .end();

/** Of anything that has backups. */
export const backingUp = { forget, remove, publish };

export const renameBackup = saga<RenameBackupInput>('rename-backup', 1).pivot('rename', rename).end();

export const deleteBackup = saga<BackupInput>('delete-backup', 1)
  .pivot('mark', phase('deleting'))
  .forward('remove', remove)
  .forward('forget', forget)
  .end();

async function make(context: StepContext, { input }: Given<CreateBackupInput>): Promise<void> {
  const { view } = context;
  const { value } = needInstance(view, input);
  const { instanceOnly } = findBackup(view, input.id, input.backup)?.value ?? fail('cancelled', 'The backup is gone');
  const ready = snapshotsOf(view, value.id).filter(each => each.value.phase === 'ready');
  const along = instanceOnly ? [] : ready.map(each => each.value);
  const request = {
    ref: refOf(value, value.generation),
    backup: input.backup,
    ...backupTexts(view, value, along),
    snapshots: along.map(({ name, id }) => ({ name, id })),
    compression: input.compression,
  };
  await drain(context, 'create_backup_progress', context.agents.of(value.node).ensureBackup(request));
}

async function remove(context: StepContext, { input }: Given): Promise<void> {
  const node = findBackup(context.view, input.id, input.backup)?.value.node;
  if (node !== undefined) await context.agents.of(node).ensureNoBackup({ backup: input.backup });
}

function phase(next: 'ready' | 'deleting') {
  return async (context: StepContext, { input }: Given): Promise<void> => {
    await commitDecided(context, () => {
      const stored = findBackup(context.view, input.id, input.backup);
      if (stored === undefined || stored.value.phase === next) return undefined;
      return BACKUPS.replace(stored, { ...stored.value, phase: next });
    });
  };
}

async function publish(context: StepContext, given: Given): Promise<void> {
  await phase('ready')(context, given);
}

async function forget(context: StepContext, { input }: Given): Promise<void> {
  await commitDecided(context, () => {
    const stored = findBackup(context.view, input.id, input.backup);
    return stored && BACKUPS.remove(stored);
  });
}

async function rename(context: StepContext, { input }: Given<RenameBackupInput>): Promise<void> {
  await commitDecided(context, () => {
    const stored = findBackup(context.view, input.id, input.backup) ?? fail('not-found', 'Backup not found');
    if (stored.value.name === input.newName) return undefined;
    const key = BACKUPS.key(input.id, input.newName);
    if (context.view.get(key) !== undefined) throw new AppError('exists', `Backup "${input.newName}" already exists`);
    return together(BACKUPS.remove(stored), BACKUPS.create(key, { ...stored.value, name: input.newName }));
  });
}
